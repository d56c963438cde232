"""The store on real files, and what it refuses."""

from __future__ import annotations

import ctypes
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.binding import FAULT, LIB, Model, Refused, Store, Upload, on_files
from tests.store.disk import Disk

A, B, C = (random.Random(seed).randbytes(3000) for seed in range(3))


def test_versions_count_up_and_two_are_kept(store: Store, tmp_path: Path) -> None:
    assert [store.deploy("kws", data) for data in (A, B, C)] == [1, 2, 3]
    assert store.current("kws") == (C, B)
    assert sorted(os.listdir(tmp_path / "deep/store/kws")) == ["state", "v2.eqm", "v3.eqm"]


def test_the_same_file_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    store.deploy("kws", A)
    folder = tmp_path / "deep/store/kws"
    before = {path.name: path.stat() for path in folder.iterdir()}
    assert store.deploy("kws", A) == 0
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == {n: s.st_mtime_ns for n, s in before.items()}


def test_a_rollback_of_a_rollback_is_the_newer_one_again(store: Store) -> None:
    store.deploy("kws", A)
    store.deploy("kws", B)
    assert store.rollback("kws").versions[0].version == 1
    assert store.current("kws") == (A, B)
    assert store.rollback("kws").versions[0].version == 2
    assert store.current("kws") == (B, A)


def test_a_rollback_needs_a_previous_version(store: Store) -> None:
    with pytest.raises(Refused, match="missing"):
        store.rollback("kws")
    store.deploy("kws", A)
    with pytest.raises(Refused, match="no_previous"):
        store.rollback("kws")


def test_a_failed_health_check_leaves_the_old_version_and_no_rest(store: Store, tmp_path: Path) -> None:
    store.deploy("kws", A)
    with pytest.raises(Refused, match="selftest_crashed"):
        store.deploy("kws", B, lambda data: FAULT["selftest_crashed"])
    assert store.current("kws") == (A, None)
    assert sorted(os.listdir(tmp_path / "deep/store/kws")) == ["state", "v1.eqm"]


def test_the_health_check_sees_the_uploaded_bytes_before_the_switch(store: Store) -> None:
    store.deploy("kws", A)
    seen: list[tuple[bytes, bytes]] = []

    def health(data: bytes) -> int:
        seen.append((data, store.open("kws")))
        return 0

    store.deploy("kws", B, health)
    assert seen == [(B, A)]


def _sent(disk: Disk) -> int:
    return sum(len(step.data) for step in disk.steps if step.kind == "write" and len(step.data) == 1000)


def test_an_interrupted_upload_goes_on_where_it_stopped() -> None:
    disk = Disk(fails=lambda disk: _sent(disk) == 2000, failure="io")
    with pytest.raises(Refused, match="io"):
        disk.store.deploy("kws", A, step=1000)
    disk.fails = lambda disk: False
    assert disk.store.deploy("kws", A, step=1000) == 1
    assert _sent(disk) == len(A)


def test_an_upload_of_another_file_removes_the_rest_of_the_one_before(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "deep/store/kws"
    folder.mkdir(parents=True)
    (folder / ("part-" + "0" * 32)).write_bytes(b"rest")
    store.deploy("kws", A)
    assert sorted(os.listdir(folder)) == ["state", "v1.eqm"]


def test_the_next_change_removes_what_others_left_and_nothing_that_is_not_the_stores(store: Store, tmp_path: Path) -> None:
    store.deploy("kws", A)
    folder, cut, foreign = (tmp_path / "deep/store" / name for name in ("kws", "cut", "photos"))
    for name in ("state.new", "v9.eqm", "part-" + "0" * 32):
        (folder / name).write_bytes(b"rest")
    for path in (cut / "part-1", foreign / "view.jpg", foreign / "v1.eqm.txt"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    assert store.names() == ["cut", "kws"]
    store.deploy("vww", B)
    assert sorted(os.listdir(folder)) == ["state", "v1.eqm"] and not cut.exists()
    assert sorted(os.listdir(foreign)) == ["v1.eqm.txt", "view.jpg"] and store.names() == ["kws", "vww"]


def test_remove_takes_an_unfinished_upload_away(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "deep/store/kws"
    folder.mkdir(parents=True)
    with pytest.raises(Refused, match="missing"):
        store.remove("kws")
    (folder / "part-1").write_bytes(b"rest")
    assert store.names() == ["kws"]
    store.remove("kws")
    assert store.names() == [] and not folder.exists()


def test_bytes_with_another_hash_are_refused_and_removed(store: Store, tmp_path: Path) -> None:
    upload, current = Upload(), ctypes.c_int()
    u = ctypes.byref(upload)
    LIB.eq_store_begin(u, ctypes.byref(store.ops), b"kws", ctypes.c_uint64(len(A)), (ctypes.c_uint8 * 32)(), ctypes.byref(current))
    assert LIB.eq_store_write(u, ctypes.c_uint64(0), A, ctypes.c_size_t(len(A))) == 0
    assert LIB.eq_store_finish(u, None, None, ctypes.byref(ctypes.c_int32())) == FAULT["hash"]
    assert LIB.eq_store_commit(u, 0, None, None, ctypes.byref(ctypes.c_uint32())) == FAULT["order"]
    LIB.eq_store_abort(u)
    assert sorted(os.listdir(tmp_path / "deep/store")) == [".lock", ".log"] and store.names() == []


def test_more_bytes_than_announced_or_at_another_place_are_refused(store: Store) -> None:
    upload, current = Upload(), ctypes.c_int()
    u = ctypes.byref(upload)
    LIB.eq_store_begin(u, ctypes.byref(store.ops), b"kws", ctypes.c_uint64(10), (ctypes.c_uint8 * 32)(), ctypes.byref(current))
    assert LIB.eq_store_write(u, ctypes.c_uint64(0), A, ctypes.c_size_t(11)) == FAULT["too_long"]
    assert LIB.eq_store_write(u, ctypes.c_uint64(5), A, ctypes.c_size_t(2)) == FAULT["order"]
    assert LIB.eq_store_finish(u, None, None, ctypes.byref(ctypes.c_int32())) == FAULT["order"]
    LIB.eq_store_abort(u)


def test_two_programs_do_not_change_a_store_at_once(store: Store, tmp_path: Path) -> None:
    other = on_files(str(tmp_path / "deep/store"))

    def health(data: bytes) -> int:
        with pytest.raises(Refused, match="busy"):
            other.deploy("kws", B)
        return 0

    assert store.deploy("kws", A, health) == 1
    assert other.deploy("kws", B) == 2


def test_several_models_lie_side_by_side(store: Store) -> None:
    for name, data in (("kws", A), ("vww", B), ("a-b.c_d", C)):
        store.deploy(name, data)
    assert store.names() == ["a-b.c_d", "kws", "vww"]
    store.remove("vww")
    assert store.names() == ["a-b.c_d", "kws"] and store.open("kws") == A


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", ".lock", "-x", "a" * 64, "a b", "ä"])
def test_names_that_are_no_names_are_refused(store: Store, name: str) -> None:
    with pytest.raises(Refused, match="name"):
        store.deploy(name, A)
    with pytest.raises(Refused, match="name"):
        store.remove(name)


def test_a_program_keeps_its_mapping_until_it_refreshes(store: Store) -> None:
    store.deploy("kws", A)
    model, fresh, changed = Model(), Model(), ctypes.c_int()
    assert LIB.eq_store_open(ctypes.byref(model), ctypes.byref(store.ops), b"kws", 0) == 0
    assert LIB.eq_store_refresh(ctypes.byref(model), ctypes.byref(fresh), ctypes.byref(changed)) == 0 and not changed.value
    for data in (B, C):  # after the second the file of the mapping is gone
        store.deploy("kws", data)
    assert ctypes.string_at(model.data, model.size) == A
    assert LIB.eq_store_refresh(ctypes.byref(model), ctypes.byref(fresh), ctypes.byref(changed)) == 0 and changed.value
    assert ctypes.string_at(fresh.data, fresh.size) == C and fresh.version.version == 3
    assert ctypes.string_at(model.data, model.size) == A
    LIB.eq_store_close(ctypes.byref(model))
    LIB.eq_store_close(ctypes.byref(fresh))


def test_a_refresh_sees_a_model_that_was_removed_and_installed_anew(store: Store) -> None:
    """Its version has the number that the old one had."""
    store.deploy("kws", A)
    model, fresh, changed = Model(), Model(), ctypes.c_int()
    assert LIB.eq_store_open(ctypes.byref(model), ctypes.byref(store.ops), b"kws", 0) == 0
    store.remove("kws")
    assert LIB.eq_store_refresh(ctypes.byref(model), ctypes.byref(fresh), ctypes.byref(changed)) == FAULT["missing"]
    assert store.deploy("kws", A) == 1
    assert LIB.eq_store_refresh(ctypes.byref(model), ctypes.byref(fresh), ctypes.byref(changed)) == 0 and not changed.value
    store.remove("kws")
    assert store.deploy("kws", B) == 1
    assert LIB.eq_store_refresh(ctypes.byref(model), ctypes.byref(fresh), ctypes.byref(changed)) == 0 and changed.value
    assert ctypes.string_at(fresh.data, fresh.size) == B and ctypes.string_at(model.data, model.size) == A
    LIB.eq_store_close(ctypes.byref(model))
    LIB.eq_store_close(ctypes.byref(fresh))


def test_a_store_that_may_not_be_written_is_an_error_with_nothing_changed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for root in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nope")):
        with pytest.raises(Refused, match="no_store"):
            on_files(str(root)).deploy("kws", A)


def test_a_file_that_may_not_grow_is_a_full_store(tmp_path: Path) -> None:
    """RLIMIT_FSIZE in a process of its own: the write fails in the middle."""
    code = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from tests.store.binding import Refused, on_files
store = on_files({str(tmp_path)!r})
store.deploy("kws", b"old" * 100)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    store.deploy("kws", bytes(3000))
except Refused as refused:
    assert str(refused) == "full", refused
    assert store.current("kws") == (b"old" * 100, None)
    print("as promised")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "as promised\n", done.stderr


@pytest.mark.parametrize("failure", ["full", "io"])
def test_an_upload_that_meets_a_full_disk_gives_the_room_back(failure: str) -> None:
    failed: list[int] = []
    disk = Disk(fails=lambda disk: _sent(disk) == 2000 and not failed and not failed.append(1), failure=failure)  # type: ignore[func-returns-value]
    with pytest.raises(Refused, match=failure):
        disk.store.deploy("kws", A, step=1000)
    assert disk.store.names() == (["kws"] if failure == "io" else [])
    assert set(disk.tree) == {".log", *disk.store.names()}


def test_a_model_larger_than_the_room_is_refused_before_a_byte_is_written() -> None:
    disk = Disk(room=2999)
    with pytest.raises(Refused, match="full"):
        disk.store.deploy("kws", A)
    assert list(disk.tree) == [".log"] and not disk.locked
    assert disk.store.log() == [(1, "install_failed", "kws", 0, "full")]
