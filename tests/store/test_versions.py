"""How many versions stay, and back to any of them."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.store.binding import FAULT, Refused, Store

DATA = [random.Random(seed).randbytes(1000) for seed in range(12)]


def numbers(store: Store) -> list[int]:
    return [number for number, data in store.retained("kws") if data == DATA[number]]


def deploy(store: Store, *versions: int, keep: int = 0) -> None:
    """Version n has the bytes DATA[n]."""
    for number in versions:
        assert store.deploy("kws", DATA[number], keep=keep) == number


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep/store/kws"


@pytest.mark.parametrize("keep", range(1, 9))
def test_so_many_versions_are_kept_and_the_oldest_goes(store: Store, folder: Path, keep: int) -> None:
    deploy(store, *range(1, 11), keep=keep)
    assert numbers(store) == list(range(10, 10 - keep, -1))
    assert sorted(os.listdir(folder)) == sorted(["state", *(f"v{n}.eqm" for n in numbers(store))])


def test_how_many_are_kept_is_remembered_until_somebody_says_another_number(store: Store) -> None:
    deploy(store, 1, 2)
    deploy(store, 3, keep=3)
    deploy(store, 4)
    assert numbers(store) == [4, 3, 2]
    deploy(store, 5, keep=2)
    deploy(store, 6)
    assert numbers(store) == [6, 5]


def test_the_number_alone_can_be_changed(store: Store, folder: Path) -> None:
    deploy(store, 1, 2, 3, keep=3)
    assert store.keep("kws", 2).keep == 2
    assert numbers(store) == [3, 2] and not (folder / "v1.eqm").exists()
    for keep in (0, 9):
        with pytest.raises(Refused, match="argument"):
            store.keep("kws", keep)


def test_more_than_eight_versions_are_refused_and_nothing_is_left(store: Store, folder: Path) -> None:
    deploy(store, 1)
    with pytest.raises(Refused, match="argument"):
        store.deploy("kws", DATA[2], keep=9)
    deploy(store, 2)
    assert sorted(os.listdir(folder)) == ["state", "v1.eqm", "v2.eqm"]


def test_a_rollback_takes_the_next_and_once_more_brings_the_newer_one_back(store: Store) -> None:
    deploy(store, 1, 2, 3, keep=3)
    store.rollback("kws")
    assert numbers(store) == [2, 3, 1]
    store.rollback("kws")
    assert numbers(store) == [3, 2, 1]


def test_a_rollback_to_a_version_keeps_the_order_of_the_others(store: Store) -> None:
    deploy(store, 1, 2, 3, 4, keep=4)
    assert store.rollback("kws", version=1).versions[0].version == 1
    assert numbers(store) == [1, 4, 3, 2]
    store.rollback("kws")
    assert numbers(store) == [4, 1, 3, 2]
    deploy(store, 5)
    assert numbers(store) == [5, 4, 1, 3]


def test_a_rollback_to_a_version_that_is_not_there_or_is_current_changes_nothing(store: Store) -> None:
    deploy(store, 1, 2, 3)
    for version, fault in ((1, "missing"), (9, "missing"), (3, "is_current")):
        with pytest.raises(Refused, match=fault):
            store.rollback("kws", version=version)
    assert numbers(store) == [3, 2]


def test_one_version_can_be_removed_but_not_the_current_one(store: Store, folder: Path) -> None:
    deploy(store, 1, 2, 3, 4, keep=4)
    (folder / ("part-" + "0" * 32)).write_bytes(b"unfinished")
    store.remove("kws", version=3)
    assert numbers(store) == [4, 2, 1]
    assert sorted(os.listdir(folder)) == ["part-" + "0" * 32, "state", "v1.eqm", "v2.eqm", "v4.eqm"]
    for version, fault in ((4, "is_current"), (3, "missing")):
        with pytest.raises(Refused, match=fault):
            store.remove("kws", version=version)
    with pytest.raises(Refused, match="missing"):
        store.remove("vww", version=1)


@pytest.mark.parametrize("damaged", [(4,), (3,), (2, 4), (1, 2, 3), (1, 2, 3, 4)])
def test_a_damaged_version_is_never_one_to_go_back_to(store: Store, folder: Path, damaged: tuple[int, ...]) -> None:
    """And takes the place of none that is sound."""
    deploy(store, 1, 2, 3, 4, keep=4)
    for version in damaged:
        (folder / f"v{version}.eqm").write_bytes(DATA[version][:-1] + b"?")
    deploy(store, 5, keep=3)
    assert numbers(store) == [5, *[n for n in (4, 3, 2, 1) if n not in damaged][:2]]


def test_the_same_file_takes_no_second_place(store: Store, folder: Path) -> None:
    deploy(store, 1, 2, 3, keep=3)
    store.rollback("kws")
    assert store.deploy("kws", DATA[3]) == 4
    assert store.retained("kws") == [(4, DATA[3]), (2, DATA[2]), (1, DATA[1])]
    assert sorted(os.listdir(folder)) == ["state", "v1.eqm", "v2.eqm", "v4.eqm"]


def test_versions_that_go_for_a_smaller_number_are_in_the_log(store: Store) -> None:
    deploy(store, 1, 2, 3, keep=3)
    store.keep("kws", 3)
    store.keep("kws", 1)
    store.keep("kws", 5)
    assert store.log()[3:] == [(4, "removed", "kws", 2, ""), (5, "removed", "kws", 1, "")]


def test_a_rollback_from_a_damaged_version_forgets_it(store: Store, folder: Path) -> None:
    deploy(store, 1, 2, 3, keep=3)
    (folder / "v3.eqm").write_bytes(DATA[3][:-1])
    store.rollback("kws")
    assert numbers(store) == [2, 1] and sorted(os.listdir(folder)) == ["state", "v1.eqm", "v2.eqm"]


def test_what_a_rollback_may_need_is_there_until_the_switch(store: Store, folder: Path) -> None:
    deploy(store, 1, 2)
    seen: list[list[str]] = []

    def health(data: bytes) -> int:
        seen.append(sorted(name for name in os.listdir(folder) if name.startswith("v")))
        return FAULT["selftest_failed"]

    with pytest.raises(Refused, match="selftest_failed"):
        store.deploy("kws", DATA[3], health, keep=1)
    assert seen == [["v1.eqm", "v2.eqm"]] and numbers(store) == [2, 1]
