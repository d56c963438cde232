"""The log of the store: what it says, how long it gets, and what damage costs."""

from __future__ import annotations

import ctypes
import os
import random
from pathlib import Path

import pytest

from tests.store.binding import FAULT, LIB, SEEN, Refused, Store
from tests.store.log_file import PER_FILE, SIZE, entry, full

A, B = (random.Random(seed).randbytes(3000) for seed in range(2))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    root = tmp_path / "deep/store"
    root.mkdir(parents=True)
    return root / ".log"


def test_every_change_and_every_failure_is_an_entry(store: Store) -> None:
    store.deploy("kws", A)
    with pytest.raises(Refused):
        store.deploy("kws", B, lambda data: FAULT["selftest_crashed"])
    store.deploy("kws", B)
    with pytest.raises(Refused):
        store.rollback("kws", lambda data: FAULT["selftest_failed"], version=1)
    store.rollback("kws")
    store.remove("kws", version=2)
    store.remove("kws")
    assert store.log() == [
        (1, "installed", "kws", 1, ""),
        (2, "install_failed", "kws", 0, "selftest_crashed"),
        (3, "installed", "kws", 2, ""),
        (4, "rollback_failed", "kws", 1, "selftest_failed"),
        (5, "rolled_back", "kws", 1, ""),
        (6, "removed", "kws", 2, ""),
        (7, "removed", "kws", 0, ""),
    ]


def test_what_did_nothing_is_no_entry(store: Store, log: Path) -> None:
    store.deploy("kws", A)
    store.deploy("kws", A)
    for call in (lambda: store.rollback("kws"), lambda: store.remove("vww"), lambda: store.remove("kws", version=1)):
        with pytest.raises(Refused):
            call()
    assert len(store.log()) == 1 and log.stat().st_size == SIZE


def test_an_entry_is_what_the_specification_says(store: Store, log: Path) -> None:
    log.write_bytes(entry(7, 1, "kws", 1, A) + entry(8, 4, "vww", 0, B, fault=34, detail=11))
    assert store.log() == [(7, "installed", "kws", 1, ""), (8, "install_failed", "vww", 0, "selftest_crashed")]
    store.deploy("kws", A)
    raw, at = log.read_bytes(), 2 * SIZE
    assert raw[at : at + 8] == entry(9, 1, "kws", 1, A)[:8] and raw[at + 16 : at + 124] == entry(9, 1, "kws", 1, A)[16:124]


def test_two_files_are_kept_and_the_older_makes_way(store: Store, log: Path) -> None:
    log.write_bytes(full(1))
    store.deploy("kws", A)
    assert log.stat().st_size == SIZE and len(store.log()) == PER_FILE + 1 and store.log()[0][0] == 1
    log.write_bytes(full(257))
    store.deploy("kws", B)
    numbers = [e[0] for e in store.log()]
    assert numbers == list(range(257, 257 + PER_FILE + 1)) and log.with_name(".log.old").stat().st_size == PER_FILE * SIZE


@pytest.mark.parametrize("torn", [1, 60, 127, 128, 129, 200])
def test_a_torn_end_costs_itself_alone(store: Store, log: Path, torn: int) -> None:
    log.write_bytes(entry(1, 1, "kws", 1) + bytes(torn))
    store.deploy("kws", A)
    store.deploy("kws", B)
    lost = -(-torn // SIZE)  # each of them had a number
    assert [e[0] for e in store.log()] == [1, 2 + lost, 3 + lost]


def test_the_number_of_a_torn_entry_is_not_given_again_in_the_next_file(store: Store, log: Path) -> None:
    log.write_bytes(full(1)[:-1] + b"?")
    store.deploy("kws", A)
    assert [e[0] for e in store.log()][-2:] == [255, 257]


def test_a_damaged_entry_is_missing_and_numbers_go_on(store: Store, log: Path) -> None:
    whole = b"".join(entry(number, 1, "kws", number) for number in range(1, 5))
    for at in range(0, len(whole), 17):
        log.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        assert [e[0] for e in store.log()] == [n for n in range(1, 5) if n != at // SIZE + 1]
    store.deploy("kws", A)
    assert [e[0] for e in store.log()] == [1, 2, 3, 5], "the last one was damaged, and had a number"


@pytest.mark.parametrize("name", ["", "../x", "a\tb", "a" * 64, "-"])
def test_an_entry_with_a_name_that_is_none_is_passed_over(store: Store, log: Path, name: str) -> None:
    log.write_bytes(entry(1, 1, name, 1) + entry(2, 1, "kws", 1))
    assert [e[0] for e in store.log()] == [2]


@pytest.mark.parametrize("what", [b"", b"?", bytes(100_000), random.Random(1).randbytes(40_000)])
def test_a_file_that_is_no_log_does_not_keep_an_install_from_succeeding(store: Store, log: Path, what: bytes) -> None:
    log.write_bytes(what)
    store.deploy("kws", A)
    assert store.log()[-1][1:] == ("installed", "kws", 1, "")


@pytest.mark.parametrize("kind", ["folder", "link", "fifo", "readonly"])
def test_a_log_that_cannot_be_written_does_not_keep_an_install_from_succeeding(store: Store, log: Path, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "elsewhere"
    if kind == "folder":
        log.mkdir()
    elif kind == "link":
        log.symlink_to(target)
    elif kind == "fifo":
        os.mkfifo(log)
    else:
        log.write_bytes(b"")
        log.chmod(0o400)
    assert store.deploy("kws", A) == 1 and store.open("kws") == A
    if kind != "readonly":
        with pytest.raises(Refused, match="foreign"):
            store.log()
    assert not target.exists()


def test_a_file_of_the_log_that_cannot_be_read_is_a_fault_after_the_entries_of_the_other(store: Store, log: Path) -> None:
    log.mkdir()
    log.with_name(".log.old").write_bytes(entry(1, 1, "kws", 1) + entry(2, 1, "kws", 2))
    seen: list[int] = []
    call = SEEN(lambda _, event: seen.append(event.contents.number) or 0)
    assert LIB.eq_store_log(ctypes.byref(store.ops), call, None) == FAULT["foreign"] and seen == [1, 2]


def test_a_file_failed_before_until_it_passes_or_the_agent_is_another(store: Store, log: Path) -> None:
    assert not store.failed_before(A)
    for fault, failed in (("selftest_failed", True), ("model", True), ("selftest_hung", False), ("hash", False), ("full", False)):
        log.write_bytes(entry(1, 4, "kws", 0, A, fault=FAULT[fault]))
        assert store.failed_before(A) is failed and not store.failed_before(B)
    log.write_bytes(entry(1, 4, "kws", 0, A, fault=FAULT["model"], software=0x99))
    assert not store.failed_before(A)
    log.write_bytes(entry(1, 4, "kws", 0, A, fault=FAULT["model"]) + entry(2, 1, "kws", 1, A))
    assert not store.failed_before(A)
