"""The power is cut after every recorded operation of the store: old or new is found, never a mix, and a retry completes."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.store.binding import Refused, Store
from tests.store.disk import Disk, Tree, after_power_cut, shallow, snapshot

OLDER, OLD, NEW = (random.Random(seed).randbytes(900) for seed in range(3))
DAMAGED = OLD[:-1] + bytes([OLD[-1] ^ 1])
Found = tuple[bytes, bytes | None] | None


@dataclass(frozen=True)
class Scenario:
    """`before` makes the disk, `change` is what is cut; before and after it the model is `old` and `new` (current and previous)."""

    before: Callable[[Store], object]
    change: Callable[[Store], object]
    old: Found
    new: Found


def _two(store: Store) -> None:
    store.deploy("kws", OLD)


def _three(store: Store) -> None:
    store.deploy("kws", OLDER)
    store.deploy("kws", OLD)


def _damaged(store: Store) -> None:
    """The current version was changed on the disk after it was installed."""
    _three(store)
    store.disk.tree["kws"]["v2.eqm"].data = DAMAGED  # type: ignore[attr-defined]


def _new(store: Store) -> int:
    return store.deploy("kws", NEW, step=400)


def _interrupted(store: Store) -> None:
    store.deploy("kws", OLD)
    disk = store.disk  # type: ignore[attr-defined]
    disk.fails = lambda disk: sum(len(step.data) == 400 for step in disk.steps) == 1
    with pytest.raises(Refused, match="io"):
        _new(store)


SCENARIOS = {
    "resumed": Scenario(_interrupted, _new, (OLD, None), (NEW, OLD)),
    "first": Scenario(lambda store: None, _new, None, (NEW, None)),
    "second": Scenario(_two, _new, (OLD, None), (NEW, OLD)),
    "third": Scenario(_three, _new, (OLD, OLDER), (NEW, OLD)),
    "rollback": Scenario(_three, lambda store: store.rollback("kws"), (OLD, OLDER), (OLDER, OLD)),
    "remove": Scenario(_three, lambda store: store.remove("kws"), (OLD, OLDER), None),
    "over a damaged one": Scenario(_damaged, _new, (DAMAGED, OLDER), (NEW, OLDER)),
    "the same again": Scenario(_damaged, lambda store: store.deploy("kws", OLD), (DAMAGED, OLDER), (OLD, OLDER)),
    "back from a damaged one": Scenario(_damaged, lambda store: store.rollback("kws"), (DAMAGED, OLDER), (OLDER, None)),
    "other": Scenario(lambda store: store.deploy("vww", OLD), _new, None, (NEW, None)),
}


def record(scenario: Scenario, skip: int = -1) -> tuple[Tree, Disk]:
    """The disk before, and the one on which the change ran."""
    first = Disk()
    scenario.before(first.store)
    start = snapshot(first.tree)
    disk = Disk(shallow(start), skip=skip)
    scenario.change(disk.store)
    return start, disk


def look(tree: Tree) -> Found:
    return Disk(tree).store.current("kws", DAMAGED)


def violations(scenario: Scenario, skip: int = -1) -> list[str]:
    """What a power cut can break."""
    start, disk = record(scenario, skip)
    broken = []
    for length in range(len(disk.steps) + 1):
        allowed = [scenario.new] if length == len(disk.steps) else [scenario.old, scenario.new]
        for tree in after_power_cut(start, disk.steps[:length]):
            where = f"after {length} of {len(disk.steps)} operations"
            try:
                found = look(tree)
            except (Refused, AssertionError) as error:
                broken.append(f"{where}: {error}")
                continue
            if found not in allowed:
                broken.append(f"{where}: neither old nor new")
            retried = Disk(tree)
            retried.store.deploy("kws", NEW)
            after = retried.store.current("kws")
            if after is None or after[0] != NEW:
                broken.append(f"{where}: the retry did not complete")
            if skip < 0 and any(name.startswith(("part-", "state.new")) for name in retried.tree["kws"]):  # type: ignore[union-attr]
                broken.append(f"{where}: something stayed behind")
    return broken


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_power_cut_at_any_operation_leaves_old_or_new_and_a_retry_completes(name: str) -> None:
    assert violations(SCENARIOS[name]) == []


# The operations of a change that sync, in order. A folder that is durable already needs no second sync: begin cannot know.
SYNCS = {
    "first": ["the folder of the model", "the uploaded bytes", "the version's name", "the record's bytes", "the switch"],
    "second": [None, "the uploaded bytes", "the version's name", "the record's bytes", "the switch"],
    "rollback": ["the record's bytes", "the switch"],
    "remove": ["the removal of the record"],
}


@pytest.mark.parametrize(("name", "number"), [(name, i) for name, syncs in SYNCS.items() for i, what in enumerate(syncs) if what])
def test_without_any_one_sync_a_power_cut_breaks_the_store(name: str, number: int) -> None:
    assert violations(SCENARIOS[name], skip=number), f"nothing depends on the sync of {SYNCS[name][number]}"


@pytest.mark.parametrize("name", SYNCS)
def test_the_list_of_syncs_is_complete(name: str) -> None:
    assert record(SCENARIOS[name])[1].syncs == len(SYNCS[name])


@pytest.mark.parametrize("failure", ["io", "full", "denied"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_an_operation_that_fails_leaves_old_or_new_and_a_retry_completes(name: str, failure: str) -> None:
    scenario = SCENARIOS[name]
    for number in range(record(scenario)[1].changes):
        start, _ = record(scenario)
        disk = Disk(start, fails=lambda disk, stop=number + 1: disk.changes == stop, failure=failure)  # type: ignore[misc]
        try:
            scenario.change(disk.store)
        except Refused as refused:
            assert str(refused) in (failure, "switch_failed"), number
        assert not disk.locked
        assert look(disk.tree) in (scenario.old, scenario.new), number
        disk.store.deploy("kws", NEW)
        found = disk.store.current("kws")
        assert found is not None and found[0] == NEW, number


def _switched(disk: Disk) -> bool:
    return any(step.kind == "rename" and step.to == "kws/state" for step in disk.steps)


def test_a_switch_that_can_neither_be_completed_nor_undone_says_so() -> None:
    start, _ = record(SCENARIOS["second"])
    with pytest.raises(Refused, match="rollback_failed"):
        Disk(start, fails=_switched).store.deploy("kws", NEW)


def test_a_switch_that_cannot_be_completed_is_undone() -> None:
    for name in ("first", "second", "rollback"):
        scenario = SCENARIOS[name]
        start, _ = record(scenario)
        failed: list[int] = []
        disk = Disk(start, fails=lambda disk, failed=failed: _switched(disk) and not failed and not failed.append(1))  # type: ignore[misc]
        with pytest.raises(Refused, match="switch_failed"):
            scenario.change(disk.store)
        assert disk.store.current("kws") == scenario.old
