"""A store that cannot be changed: the same file again changes nothing, so it is no error there; everything else is one, and is named."""

from __future__ import annotations

import pytest

from tests.store.binding import Refused
from tests.store.disk import Disk

A, B = b"first" * 600, b"second" * 500


def deployed(lock: str) -> Disk:
    disk = Disk()
    assert disk.store.deploy("kws", A) == 1
    disk.lock = lock
    return disk


@pytest.mark.parametrize("lock", ["read_only", "denied"])
def test_the_same_file_again_needs_no_lock(lock: str) -> None:
    disk = deployed(lock)
    before = len(disk.steps)
    assert disk.store.deploy("kws", A) == 0
    disk.store.keep("kws", 2)
    assert len(disk.steps) == before


@pytest.mark.parametrize("lock", ["read_only", "denied"])
def test_what_would_change_it_is_refused_with_the_fault_of_the_lock(lock: str) -> None:
    disk = deployed(lock)
    for change in (lambda: disk.store.deploy("kws", B), lambda: disk.store.deploy("other", A), lambda: disk.store.keep("kws", 3)):
        with pytest.raises(Refused, match=lock):
            change()


@pytest.mark.parametrize("lock", ["read_only", "denied"])
def test_a_damaged_file_is_not_current(lock: str) -> None:
    disk = deployed(lock)
    disk.tree["kws"]["v1.eqm"].data = A[:-1] + b"x"
    with pytest.raises(Refused, match=lock):
        disk.store.deploy("kws", A)


def test_while_another_changes_the_store_nothing_is_said_of_it() -> None:
    with pytest.raises(Refused, match="busy"):
        deployed("busy").store.deploy("kws", A)
