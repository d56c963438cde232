"""The record of a model: what it may say, the one of before that is still read, and the counter that nothing forgets."""

from __future__ import annotations

import hashlib
import random
import struct
from pathlib import Path

import pytest

from tests.store.binding import Refused, Store
from tests.store.log_file import sealed

A, B, C = (random.Random(seed).randbytes(3000) for seed in range(3))
COUNTER = (7 << 40 | 5, hashlib.sha256(b"signed").digest())
HEAD = struct.Struct("<8sIBBHQ32s")  # magic, next, keep, count, 0, counter, its SHA-256


def version(number: int, data: bytes) -> bytes:
    return struct.pack("<IQ32s", number, len(data), hashlib.sha256(data).digest())


def record(
    versions: list[bytes], next_: int = 9, keep: int = 2, counter: tuple[int, bytes] = (0, bytes(32)), count: int | None = None
) -> bytes:
    return sealed(HEAD.pack(b"EQSTATE2", next_, keep, len(versions) if count is None else count, 0, *counter) + b"".join(versions))


def first_record(next_: int, current: bytes, previous: bytes = bytes(44)) -> bytes:
    """EQSTATE1."""
    return sealed(b"EQSTATE1" + struct.pack("<I", next_) + current + previous)


@pytest.fixture
def state(store: Store, tmp_path: Path) -> Path:
    """Of the model kws, version 2 current and 1 previous."""
    store.deploy("kws", A)
    store.deploy("kws", B)
    return tmp_path / "deep/store/kws/state"


def counter_of(store: Store) -> tuple[int, bytes]:
    state = store.read("kws")
    return state.counter, bytes(state.counter_sha256)


def test_the_record_is_what_the_specification_says(state: Path) -> None:
    assert state.read_bytes() == record([version(2, B), version(1, A)], next_=3)


def test_the_record_of_before_is_read_and_replaced_at_the_next_change(store: Store, state: Path) -> None:
    state.write_bytes(first_record(3, version(2, B), version(1, A)))
    assert store.retained("kws") == [(2, B), (1, A)]
    assert store.deploy("kws", B) == 0 and state.read_bytes()[:8] == b"EQSTATE1"
    store.rollback("kws")
    assert state.read_bytes() == record([version(1, A), version(2, B)], next_=3)


def test_the_record_of_before_may_name_one_version(store: Store, state: Path) -> None:
    state.write_bytes(first_record(3, version(2, B)))
    assert store.retained("kws") == [(2, B)]
    assert store.deploy("kws", C) == 3
    assert store.retained("kws") == [(3, C), (2, B)]


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"EQSTATE2",
        record([version(2, B)])[:-1],
        record([version(2, B)]) + b"\0",
        record([version(2, B)], keep=0),
        record([version(2, B)], keep=9),
        record([version(2, B)], count=2),
        record([version(2, B), version(1, A)], count=1),
        record([version(i + 1, A) for i in range(9)], next_=10),
        record([version(2, B), version(2, B)]),
        record([version(2, B), version(0, A)]),
        sealed(record([version(2, B)])[:-4].replace(b"EQSTATE2", b"EQSTATE3")),
        first_record(3, bytes(44)),
        first_record(3, version(2, B))[:-1],
    ],
)
def test_a_record_that_nobody_writes_is_refused_and_only_removed(store: Store, state: Path, bad: bytes) -> None:
    state.write_bytes(bad)
    for call in (lambda: store.read("kws"), lambda: store.deploy("kws", C), lambda: store.rollback("kws"), lambda: store.keep("kws", 3)):
        with pytest.raises(Refused, match="record"):
            call()
    store.remove("kws")
    assert store.names() == [] and not state.parent.exists()


def test_the_counter_of_signed_files_survives_every_change(store: Store, state: Path) -> None:
    state.write_bytes(record([version(2, B), version(1, A)], next_=3, counter=COUNTER))
    store.rollback("kws")
    store.deploy("kws", C, keep=3)
    store.rollback("kws", version=1)
    store.remove("kws", version=3)
    store.keep("kws", 1)
    assert store.retained("kws") == [(1, A)] and counter_of(store) == COUNTER


def test_a_removal_does_not_forget_the_counter_and_numbers_go_on(store: Store, state: Path) -> None:
    """Else an older signed file would only need a removal before it."""
    state.write_bytes(record([version(2, B), version(1, A)], next_=3, keep=4, counter=COUNTER))
    store.remove("kws")
    assert store.names() == [] and sorted(path.name for path in state.parent.iterdir()) == ["counter", "state"]
    assert state.read_bytes() == record([], next_=3, keep=4, counter=COUNTER)
    for call in (lambda: store.open("kws"), lambda: store.rollback("kws"), lambda: store.remove("kws")):
        with pytest.raises(Refused, match="missing"):
            call()
    store.deploy("vww", A)  # removes rests; this is none
    assert store.deploy("kws", C) == 3
    assert store.retained("kws") == [(3, C)] and counter_of(store) == COUNTER


def second_place(counter: tuple[int, bytes], next_: int = 3) -> bytes:
    return record([], next_=next_, counter=counter)


def signed(data: bytes, counter: int) -> tuple[int, bytes]:
    return counter, hashlib.sha256(data).digest()


def committed(store: Store) -> tuple[int, bytes]:
    """Counter and SHA-256 that a file has to be above, whether or not something is installed."""
    state = store.state("kws")
    return state.counter, bytes(state.counter_sha256)


@pytest.mark.parametrize("lost", ["damaged", "empty", "gone", "damaged after a removal"])
def test_the_counter_outlives_a_record_that_is_lost_and_removed(store: Store, state: Path, lost: str) -> None:
    """Else an older signed file would only need a damaged record, and the removal that its error asks for."""
    store.deploy("kws", C, counter=7)
    assert (state.parent / "counter").read_bytes() == second_place(signed(C, 7), next_=4)
    if lost == "damaged after a removal":
        store.remove("kws")
    if lost == "gone":
        state.unlink()
    else:
        state.write_bytes(b"" if lost == "empty" else b"?" + state.read_bytes()[1:])
        with pytest.raises(Refused, match="record"):
            store.deploy("kws", B, counter=8)
        store.remove("kws")
    assert [path.name for path in state.parent.iterdir() if path.name[0] != "v"] == ["counter"]
    assert store.names() == [] and committed(store) == signed(C, 7)
    store.deploy("vww", A)  # removes rests; this is none
    assert committed(store) == signed(C, 7)
    store.deploy("kws", B)
    assert store.open("kws") == B and counter_of(store) == signed(C, 7)


def test_a_counter_that_is_lost_twice_is_said_and_nothing_is_installed_or_removed(store: Store, state: Path) -> None:
    store.deploy("kws", C, counter=7)
    (state.parent / "counter").write_bytes(b"damaged")
    store.rollback("kws")  # the record is sound: nothing is missing, and the second place is mended
    assert (state.parent / "counter").read_bytes() == second_place(signed(C, 7), next_=4)
    for bad in (b"", second_place(signed(C, 7))[:-1], record([version(1, A)], counter=signed(C, 7)), first_record(3, version(2, B))):
        (state.parent / "counter").write_bytes(bad)
        state.write_bytes(b"damaged")
        with pytest.raises(Refused, match="counter"):
            store.remove("kws")
        assert state.read_bytes() == b"damaged" and (state.parent / "counter").read_bytes() == bad
        state.unlink()
        for call in (lambda: store.read("kws"), lambda: store.deploy("kws", B), lambda: store.remove("kws"), lambda: store.rollback("kws")):
            with pytest.raises(Refused, match="counter"):
                call()
        assert (state.parent / "counter").read_bytes() == bad and "kws" in store.names()
    (state.parent / "counter").unlink()  # by hand
    assert store.deploy("kws", B) == 1


def test_a_counter_ahead_of_a_sound_record_decides_nothing(store: Store, state: Path) -> None:
    """A power cut between the two writes leaves it."""
    store.deploy("kws", C, counter=7)
    (state.parent / "counter").write_bytes(second_place(signed(A, 9)))
    assert counter_of(store) == signed(C, 7)
    store.deploy("kws", B, counter=8)
    assert counter_of(store) == signed(B, 8) and (state.parent / "counter").read_bytes() == second_place(signed(B, 8), next_=5)


def test_without_signed_files_there_is_no_second_place(store: Store, state: Path) -> None:
    (state.parent / "counter").write_bytes(second_place(signed(A, 9)))  # of a first signed file whose commit was cut
    store.deploy("kws", C)
    assert not (state.parent / "counter").exists() and counter_of(store) == (0, bytes(32))
