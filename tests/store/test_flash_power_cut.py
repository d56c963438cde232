"""The power goes in every operation of the flash, on every chip: old or new is found, never a mix, and a retry completes."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from tests.store.binding import Refused, Store
from tests.store.flash import TORN, Chip, chips
from tests.store.scenarios import NEW, OLD, OLDEST, SCENARIOS, Scenario
from tests.store.test_power_cut import log_damage

ON_FILES = {"over a damaged one", "the same again", "back from a damaged one", "resumed"}  # they change the disk by hand
ON_FILES |= {name for name in SCENARIOS if "first record" in name or "in one place" in name or "full" in name}
LONG = random.Random(9).randbytes(9000)  # several sectors of a small chip


def _interrupted(store: Store) -> None:
    """An upload of LONG was cut, far in it."""
    store.deploy("kws", OLD)
    chip = store.chip  # type: ignore[attr-defined]
    whole = chip.image()
    chip.start().deploy("kws", LONG)
    operations = chip.flash.operations
    chip.restore(whole)
    with pytest.raises(Refused, match="io"):
        chip.start(cut=operations * 3 // 4).deploy("kws", LONG)


def _same_start(name: str) -> Callable[[Store], object]:
    """The change is the second since the start of the program: its records go behind others."""

    def change(store: Store) -> object:
        store.keep("vww", 3)
        return SCENARIOS[name].change(store)

    return change


def _and_another(name: str) -> Callable[[Store], object]:
    def before(store: Store) -> None:
        store.deploy("vww", OLDEST)
        SCENARIOS[name].before(store)

    return before


def _long(store: Store) -> int:
    return store.deploy("kws", LONG, step=700)


FLASH = {name: scenario for name, scenario in SCENARIOS.items() if name not in ON_FILES}
FLASH |= {
    f"after another, {name}": replace(SCENARIOS[name], before=_and_another(name), change=_same_start(name))
    for name in ("second", "rollback", "remove")
}
FLASH["long"] = Scenario(lambda store: store.deploy("kws", OLD), _long, (OLD,), (LONG, OLD))
FLASH["resumed"] = Scenario(_interrupted, _long, (OLD,), (LONG, OLD))
FAST = {"second": "bits", "rollback": "garbage", "after another, rollback": "half"}


@dataclass
class Sweep:
    """One scenario on one chip. cuts: how many were tried."""

    chip: Chip
    scenario: Scenario
    cuts: int = 0

    def __post_init__(self) -> None:
        self.scenario.before(self.chip.start())
        self.begin = self.chip.image()
        first = self.chip.start()
        self.rest, self.log = _rest(first), first.log()
        self.scenario.change(self.chip.start())
        self.operations = self.chip.flash.operations
        last = self.chip.start()
        assert last.versions("kws") == self.scenario.new
        self.rests, self.newest = {self.rest, _rest(last)}, last.log()[-1][0]
        self.chip.check()

    def cut(self, number: int, torn: int) -> None:
        """The power goes in operation `number` of the change."""
        self.chip.restore(self.begin)
        _until_cut(self.scenario.change, self.chip.start(number, torn))
        self.cuts += 1

    def examine(self, where: str) -> None:
        store = self.chip.start()
        found = store.versions("kws")
        assert found in (self.scenario.old, self.scenario.new), f"{where}: neither old nor new"
        assert _rest(store) in self.rests, f"{where}: the record says {_rest(store)}"
        assert not (damage := _log_damage(self.log, store.log(), self.newest)), f"{where}: the log: {damage}"
        self.chip.check()

    def retry(self, where: str) -> None:
        store = self.chip.start()
        store.deploy("kws", NEW)
        found = store.versions("kws")
        assert found and found[0] == NEW and not store.unfinished("kws"), f"{where}: the retry did not complete"
        assert self.chip.start().versions("kws") == found, where
        self.chip.check()

    def everywhere(self, torn: str, step: int = 1) -> None:
        for number in range(1, self.operations + 1, step):
            where = f"{self.chip.name}, power cut in operation {number} of {self.operations}, {torn}"
            self.cut(number, TORN[torn])
            self.examine(where)
            self.retry(where)

    def twice(self, seed: int, count: int) -> None:
        """And again in the retry, until one is whole."""
        draw = random.Random(seed)
        for _ in range(count):
            number = draw.randint(1, self.operations)
            where = f"{self.chip.name}, power cut in {number}"
            self.cut(number, draw.choice(list(TORN.values())))
            for _ in range(3):
                again = draw.randint(1, self.operations)
                where += f", then in {again}"
                _until_cut(lambda store: store.deploy("kws", NEW), self.chip.start(again, draw.choice(list(TORN.values()))))
                self.cuts += 1
                found = self.chip.start().versions("kws")
                assert found is None or found[0] in (NEW, *(self.scenario.old or ()), *(self.scenario.new or ())), f"{where}: a mix"
                self.chip.check()
            self.retry(where)


def _rest(store: Store) -> tuple[int, int, bytes]:
    state = store.state("kws")
    return state.keep, state.counter, bytes(state.counter_sha256)


def _log_damage(before: list[tuple[int, str, str, int, str]], now: list[tuple[int, str, str, int, str]], newest: int) -> str:
    """Where records move, the oldest entries make way."""
    kept = [entry for entry in before if now and entry[0] >= now[0][0]]
    return log_damage(kept, now, newest) if kept or not before else "all of it is lost"


def _until_cut(change: Callable[[Store], object], store: Store) -> None:
    try:
        change(store)
    except Refused as refused:
        assert store.chip.flash.off or str(refused) == "hash", refused  # type: ignore[attr-defined]


def _tell(record_property: Callable[[str, object], None], sweep: Sweep, name: str) -> None:
    record_property("cuts tried", f"flash, {sweep.chip.name}, {name}: {sweep.operations} operations, {sweep.cuts} cuts")


@pytest.mark.parametrize("name", ["second", "rollback", "remove", "keep", "resumed"])
@pytest.mark.parametrize("chip", ["stm32u585ai", "rp2040"])
def test_an_operation_of_the_flash_that_fails_leaves_old_or_new_and_a_retry_completes(chip: str, name: str) -> None:
    sweep = Sweep(Chip(chip), FLASH[name])
    for number in range(1, sweep.operations + 1):
        where = f"{chip}, operation {number} of {sweep.operations} fails"
        sweep.chip.restore(sweep.begin)
        store = sweep.chip.start(fails=number)
        try:
            sweep.scenario.change(store)
        except Refused as refused:
            assert str(refused) == "io", where
        assert store.versions("kws") in (sweep.scenario.old, sweep.scenario.new), where
        store.deploy("kws", NEW)
        assert (store.versions("kws") or ())[0] == NEW, where
        sweep.retry(where)


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize("chip", chips())
def test_a_power_cut_in_operations_of_the_flash_leaves_old_or_new(
    chip: str, name: str, record_property: Callable[[str, object], None]
) -> None:
    """Every one of short changes, a share of the long ones; the slow test has them all."""
    sweep = Sweep(Chip(chip), FLASH[name])
    sweep.everywhere(FAST[name], step=max(1, sweep.operations // 60))
    _tell(record_property, sweep, name)


def _every_kind() -> list[object]:
    """(chip, change, what a cut leaves behind): CI has one kind for each chip and change, in turn, and every operation of it."""
    kinds = list(TORN)
    return [
        pytest.param(chip, name, torn, marks=pytest.mark.slow if (c + n + t) % len(kinds) == 0 else pytest.mark.exhaustive)
        for c, chip in enumerate(chips())
        for n, name in enumerate(FLASH)
        for t, torn in enumerate(kinds)
    ]


@pytest.mark.parametrize(("chip", "name", "torn"), _every_kind())
def test_a_power_cut_in_any_operation_of_the_flash_leaves_old_or_new_and_a_retry_completes(
    chip: str, name: str, torn: str, record_property: Callable[[str, object], None]
) -> None:
    sweep = Sweep(Chip(chip), FLASH[name])
    sweep.everywhere(torn)
    _tell(record_property, sweep, f"{name}, {torn}")


@pytest.mark.parametrize("torn", ["bits", "as after"])
@pytest.mark.parametrize("chip", ["stm32l4r5zi", "nrf52840", "rp2040", "stm32u585ai"])
def test_an_upload_does_not_go_on_where_another_has_begun_to_erase(chip: str, torn: str) -> None:
    """It was cut; the power goes in one of another file that takes its place; then it comes again."""
    device, data = Chip(chip), random.Random(8).randbytes(60_000)
    device.start().deploy("kws", data)
    operations = device.flash.operations
    device = Chip(chip)
    _until_cut(lambda store: store.deploy("kws", data), device.start(cut=operations * 3 // 4))
    assert device.start().unfinished("kws") > 0
    image = device.image()
    device.start().deploy("vww", data[1:])
    for number in range(1, 40):
        device.restore(image)
        _until_cut(lambda store: store.deploy("vww", data[1:]), device.start(number, TORN[torn]))
        device.start().deploy("kws", data)
        assert device.start().open("kws") == data
        device.check()


@pytest.mark.parametrize("chip", chips())
def test_where_two_files_fill_the_flash_a_power_cut_leaves_the_current_one(
    chip: str, record_property: Callable[[str, object], None]
) -> None:
    """The earlier version has to make way before the new one comes. A share of the operations, and all of those around records."""
    device, draw = Chip(chip), random.Random(chip)
    files = [random.Random(seed).randbytes(368 * 1024) for seed in range(3)]
    for data in files[:2]:
        device.start().deploy("kws", data, step=1 << 14)
    image = device.image()
    device.start().deploy("kws", files[2], step=1 << 14)
    count = device.flash.operations
    cuts = [*range(1, 130), *draw.sample(range(130, count - 40), 20), *range(count - 40, count + 1)] if count > 210 else range(1, count + 1)
    for number in cuts:
        device.restore(image)
        _until_cut(lambda store: store.deploy("kws", files[2], step=1 << 14), device.start(number, draw.choice(list(TORN.values()))))
        found = device.start().versions("kws")
        assert found in ((files[1], files[0]), (files[1],), (files[2], files[1])), f"{chip}, power cut in operation {number}"
        device.start().deploy("kws", files[2], step=1 << 14)
        assert device.start().versions("kws") == (files[2], files[1])
        device.check()
    record_property("cuts tried", f"flash, {chip}, two files fill it: {count} operations, {len(cuts)} cuts")


@pytest.mark.slow
@pytest.mark.parametrize("name", FLASH)
@pytest.mark.parametrize("chip", chips())
def test_power_cuts_one_after_the_other_leave_a_store_in_which_a_retry_completes(
    chip: str, name: str, record_property: Callable[[str, object], None]
) -> None:
    sweep = Sweep(Chip(chip), FLASH[name])
    sweep.twice(seed=sum(map(ord, chip + name)), count=100)
    _tell(record_property, sweep, f"{name}, double")
