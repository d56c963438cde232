"""Files of the store that were changed or lost behind its back."""

from __future__ import annotations

import ctypes
import hashlib
import os
import random
from pathlib import Path

import pytest

from tests.store.binding import FAULT, LIB, Refused, Store, Upload

A, B, C = (random.Random(seed).randbytes(3000) for seed in range(3))


def test_a_damaged_current_version_is_installed_again(store: Store, tmp_path: Path) -> None:
    store.deploy("kws", A)
    path = tmp_path / "deep/store/kws/v1.eqm"
    path.chmod(0o644)
    path.write_bytes(A[:-1] + b"?")
    assert store.deploy("kws", A) == 2
    assert store.open("kws") == A


@pytest.mark.parametrize("again", [B, C])
def test_a_damaged_current_version_does_not_take_the_place_of_the_sound_previous_one(store: Store, tmp_path: Path, again: bytes) -> None:
    store.deploy("kws", A)
    store.deploy("kws", B)
    (tmp_path / "deep/store/kws/v2.eqm").write_bytes(B[:-1] + b"?")
    assert store.deploy("kws", again) == 3
    assert store.current("kws") == (again, A)
    assert store.rollback("kws").versions[0].version == 1


def test_where_every_version_is_damaged_none_is_one_to_go_back_to(store: Store, tmp_path: Path) -> None:
    store.deploy("kws", A)
    store.deploy("kws", B)
    (tmp_path / "deep/store/kws/v2.eqm").unlink()
    (tmp_path / "deep/store/kws/v1.eqm").write_bytes(A[:-1])
    assert store.deploy("kws", C) == 3
    assert store.current("kws") == (C, None) and sorted(os.listdir(tmp_path / "deep/store/kws")) == ["state", "v3.eqm"]


def test_a_rollback_to_a_damaged_or_sick_version_changes_nothing(store: Store, tmp_path: Path) -> None:
    store.deploy("kws", A)
    store.deploy("kws", B)
    with pytest.raises(Refused, match="selftest_failed"):
        store.rollback("kws", lambda data: FAULT["selftest_failed"])
    (tmp_path / "deep/store/kws/v1.eqm").write_bytes(A[:100])
    with pytest.raises(Refused, match="corrupt"):
        store.rollback("kws")
    assert store.open("kws") == B


def test_a_damaged_rest_of_an_upload_is_sent_again_from_the_start(tmp_path: Path, store: Store) -> None:
    upload, current = Upload(), ctypes.c_int()
    digest = (ctypes.c_uint8 * 32)(*hashlib.sha256(A).digest())
    LIB.eq_store_begin(ctypes.byref(upload), ctypes.byref(store.ops), b"kws", ctypes.c_uint64(len(A)), digest, ctypes.byref(current))
    LIB.eq_store_write(ctypes.byref(upload), ctypes.c_uint64(0), bytes(1000), ctypes.c_size_t(1000))
    LIB.eq_store_abort(ctypes.byref(upload))
    assert store.deploy("kws", A) == 1 and store.open("kws") == A


def test_a_damaged_record_is_said_and_can_be_removed(store: Store, tmp_path: Path) -> None:
    store.deploy("kws", A)
    path = tmp_path / "deep/store/kws/state"
    raw = bytearray(path.read_bytes())
    for at in range(len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 1
        path.write_bytes(changed)
        with pytest.raises(Refused, match="record"):
            store.read("kws")
    with pytest.raises(Refused, match="record"):
        store.deploy("kws", B)
    store.remove("kws")
    assert store.deploy("kws", B) == 1
