"""The power is cut after every recorded operation of the store: old or new is found, never a mix, and a retry completes."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from tests.store.binding import OPERATIONS, Refused
from tests.store.disk import Disk, File, Tree, after_power_cut, durable, shallow, snapshot
from tests.store.scenarios import DAMAGED, NEW, SCENARIOS, Found, Scenario

Log = list[tuple[int, str, str, int, str]]


def before(scenario: Scenario) -> Tree:
    """The disk that the change begins on."""
    first = Disk()
    scenario.before(first.store)
    return snapshot(first.tree)


def record(scenario: Scenario, skip: int = -1) -> tuple[Tree, Disk]:
    """The disk before, and the one on which the change ran."""
    start = before(scenario)
    disk = Disk(shallow(start), skip=skip)
    scenario.change(disk.store)
    return start, disk


def look(disk: Disk) -> Found:
    return disk.store.versions("kws", DAMAGED)


def _rest(disk: Disk) -> tuple[int, int, bytes]:
    """What the record says beside the versions."""
    state = disk.store.state("kws")
    return state.keep, state.counter, bytes(state.counter_sha256)


def log_damage(before: Log, now: Log, newest: int) -> str:
    """What is wrong with a log that was `before`; entries up to `newest` may have come. Where both files were full the older makes way."""
    numbers = [entry[0] for entry in now]
    if any(b <= a for a, b in itertools.pairwise(numbers)) or (numbers and numbers[-1] > newest):
        return f"its numbers are {numbers}"
    kept = [entry for entry in before if entry[0] > before[-1][0] - 256] if len(before) == 512 else before
    return "" if [entry for entry in now if entry in kept] == kept else "an entry from before is lost"


class Cut:
    """One scenario, cut everywhere. broken: what a power cut can break; tried: how many disks were looked at."""

    def __init__(self, scenario: Scenario, skip: int = -1) -> None:
        self.broken: list[str] = []
        self.tried = 0
        self.leaves_rests = skip >= 0
        self.scenario = scenario
        self.start, self.done = record(scenario, skip)
        first = Disk(durable(self.start))
        self.rests = {_rest(first), _rest(self.done)}
        self.in_one_place = _rest(first)[1] > 0 and "counter" not in first.tree["kws"]
        self.log_before, self.log_after = first.store.log(), self.done.store.log()
        for length in range(len(self.done.steps) + 1):
            for tree in after_power_cut(self.start, self.done.steps[:length]):
                self.tried += 1
                problem = self._examine(tree, complete=length == len(self.done.steps)) or self._retry(tree)
                if problem:
                    self.broken.append(f"after {length} of {len(self.done.steps)} operations: {problem}")

    def _examine(self, tree: Tree, complete: bool) -> str:
        disk = Disk(tree)
        try:
            found, rest = look(disk), _rest(disk)
        except (Refused, AssertionError) as error:
            return str(error)
        if found not in ([self.scenario.new] if complete else [self.scenario.old, self.scenario.new]):
            return "neither old nor new"
        if rest not in self.rests:
            return f"the record says {rest}"
        if complete and disk.store.log() != self.log_after:
            return "its entry in the log is lost"
        if self.in_one_place and not complete:
            return ""
        damage = self._lost_record(tree, rest[1])
        if damage:
            return f"the record is damaged, too: {damage}"
        damage = log_damage(self.log_before, disk.store.log(), self.log_after[-1][0])
        return damage and f"the log: {damage}"

    def _lost_record(self, tree: Tree, counter: int) -> str:
        """And where the record is damaged by the cut and removed then: the counter is not less than it said."""
        disk = Disk(snapshot(tree))
        folder = disk.tree.get("kws")
        if isinstance(folder, dict) and "state" in folder:
            folder["state"] = File(b"damaged", b"damaged")
            try:
                disk.store.remove("kws")
            except Refused as error:
                return str(error)
        found = _rest(disk)[1:]
        if found[0] < counter or found not in {rest[1:] for rest in self.rests}:
            return f"the counter is {found[0]}, not {counter}"
        return ""

    def _retry(self, tree: Tree) -> str:
        disk = Disk(tree)
        again = disk.store.deploy("kws", NEW)
        found = look(disk)
        if found is None or found[0] != NEW:
            return "the retry did not complete"
        if not self.leaves_rests and any(name.startswith(("part-", "state.new", "counter.new")) for name in disk.tree["kws"]):  # type: ignore[union-attr]
            return "something stayed behind"
        if again and disk.store.log()[-1][1:] != ("installed", "kws", again, ""):
            return "the retry is not in the log"
        return ""


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_power_cut_at_any_operation_leaves_old_or_new_and_a_retry_completes(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    cut = Cut(SCENARIOS[name])
    assert cut.broken == []
    record_property("states tried", f"power cut, {name}: {len(cut.done.steps)} operations, {cut.tried} states of the disk")


# The operations of a change that sync, in order. A folder that is durable already needs no second sync: begin cannot know.
_INSTALL = ["the uploaded bytes", "the version's name", "the record's bytes", "the switch", "the entry in the log"]
_COUNTER = ["the counter's bytes", "the counter's name"]
SYNCS = {
    "first": [None, *_INSTALL, "the name of the log"],
    "beside another": ["the folder of the model", *_INSTALL],
    "second": [None, *_INSTALL],
    "fewer are kept": [None, *_INSTALL],
    "from the first record": [None, *_INSTALL],
    "sick": [None, None, "the entry in the log"],  # an upload that fails its health check has no bytes to lose
    "keep": ["the record's bytes", "the switch", None, "the entries in the log"],  # two of one file
    "rollback": ["the record's bytes", "the switch", "the entry in the log"],
    "back to a version": ["the record's bytes", "the switch", "the entry in the log"],
    "remove": ["the removal of the record", "the entry in the log"],
    "remove a version": ["the record's bytes", "the switch", "the entry in the log"],
    # The sync of the counter's name is one of the version's, too.
    "signed": [None, _INSTALL[0], None, *_COUNTER, *_INSTALL[2:]],
    "first signed": [None, _INSTALL[0], None, *_COUNTER, *_INSTALL[2:], "the name of the log"],
    "remove, counted in one place": [_COUNTER[0], None, *_INSTALL[2:]],  # until the switch the record alone counts
    "remove what was signed": ["the record's bytes", "the switch", "the entry in the log"],
    "the log is full": ["the record's bytes", "the switch", "the old log's name", "the entry in the log", "the name of the log"],
}


@pytest.mark.parametrize(("name", "number"), [(name, i) for name, syncs in SYNCS.items() for i, what in enumerate(syncs) if what])
def test_without_any_one_sync_a_power_cut_breaks_the_store(name: str, number: int) -> None:
    assert Cut(SCENARIOS[name], skip=number).broken, f"nothing depends on the sync of {SYNCS[name][number]}"


@pytest.mark.parametrize("name", SYNCS)
def test_the_list_of_syncs_is_complete(name: str) -> None:
    assert record(SCENARIOS[name])[1].syncs == len(SYNCS[name])


@pytest.mark.parametrize("failure", ["io", "full", "denied"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_an_operation_that_fails_leaves_old_or_new_and_a_retry_completes(name: str, failure: str) -> None:
    scenario = SCENARIOS[name]
    for number in range(record(scenario)[1].changes):
        disk = Disk(before(scenario), fails=lambda disk, stop=number + 1: disk.changes == stop, failure=failure)  # type: ignore[misc]
        try:
            scenario.change(disk.store)
        except Refused as refused:
            assert str(refused) in (failure, "switch_failed"), number
        assert not disk.locked
        assert look(disk) in (scenario.old, scenario.new), number
        disk.store.deploy("kws", NEW)
        found = look(disk)
        assert found is not None and found[0] == NEW, number


@pytest.mark.parametrize("name", ["rollback", "back to a version", "remove a version", "remove what was signed", "keep"])
def test_a_full_disk_has_room_for_the_record_where_an_unfinished_upload_lies(name: str) -> None:
    scenario = SCENARIOS[name]
    start = before(scenario)
    start["vww"] = {"part-1": File(bytes(500), bytes(500))}
    disk = Disk(start, room=0)
    unlink = disk._unlink

    def freeing(path: str) -> int:
        disk.room += 500 if path == "vww/part-1" else 0
        return unlink(path)

    disk.store.ops.unlink = kept = OPERATIONS["unlink"](disk._guard(freeing))
    scenario.change(disk.store)
    assert look(disk) == scenario.new and "vww" not in disk.tree and kept
    full = Disk(before(scenario), room=0)
    with pytest.raises(Refused, match="full"):
        scenario.change(full.store)
    assert look(full) == scenario.old


def _switched(disk: Disk) -> bool:
    return any(step.kind == "rename" and step.to == "kws/state" for step in disk.steps)


def test_a_switch_that_can_neither_be_completed_nor_undone_says_so() -> None:
    with pytest.raises(Refused, match="rollback_failed"):
        Disk(before(SCENARIOS["second"]), fails=_switched).store.deploy("kws", NEW)


@pytest.mark.parametrize(
    "name",
    [
        "first",
        "second",
        "rollback",
        "back to a version",
        "remove a version",
        "keep",
        "after a removal",
        "signed",
        "first signed",
        "signed over unsigned",
    ],
)
def test_a_switch_that_cannot_be_completed_is_undone(name: str) -> None:
    scenario = SCENARIOS[name]
    rest = _rest(Disk(before(scenario)))
    failed: list[int] = []
    disk = Disk(before(scenario), fails=lambda disk: _switched(disk) and not failed and not failed.append(1))  # type: ignore[func-returns-value]
    with pytest.raises(Refused, match="switch_failed"):
        scenario.change(disk.store)
    assert look(disk) == scenario.old and _rest(disk) == rest


@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_of_the_log_decides_about_a_change(name: str) -> None:
    """Every operation on its files fails."""
    scenario = SCENARIOS[name]
    disk = Disk(before(scenario), fails=lambda disk: disk.at.startswith(".log"))
    scenario.change(disk.store)
    assert look(disk) == scenario.new and disk.store.log() == Disk(before(scenario)).store.log()
