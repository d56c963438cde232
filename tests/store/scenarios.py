"""Changes of a store, each with what is true before and after it: what the power is cut in, and what a program is killed in."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.store.binding import FAULT, Refused, Store
from tests.store.disk import File
from tests.store.log_file import full
from tests.store.test_record import COUNTER, first_record, record, version

OLDEST, OLDER, OLD, NEW = (random.Random(seed).randbytes(900) for seed in range(4))
DAMAGED = OLD[:-1] + bytes([OLD[-1] ^ 1])
Found = tuple[bytes, ...] | None  # the versions, current first; None: not installed


@dataclass(frozen=True)
class Scenario:
    """`before` makes the disk, `change` is what is cut; before and after it the versions are `old` and `new`."""

    before: Callable[[Store], object]
    change: Callable[[Store], object]
    old: Found
    new: Found


def put_file(store: Store, path: str, data: bytes) -> None:
    """A durable file of the disk."""
    tree = store.disk.tree  # type: ignore[attr-defined]
    folder, _, name = path.rpartition("/")
    (tree.setdefault(folder, {}) if folder else tree)[name] = File(data, data)


def _one(store: Store) -> None:
    store.deploy("kws", OLD)


def _two(store: Store) -> None:
    store.deploy("kws", OLDER)
    store.deploy("kws", OLD)


def _three(store: Store) -> None:
    store.deploy("kws", OLDEST, keep=3)
    _two(store)


def _damaged(store: Store) -> None:
    """The current version was changed on the disk after it was installed."""
    _two(store)
    store.disk.tree["kws"]["v2.eqm"].data = DAMAGED  # type: ignore[attr-defined]


def _first_record(store: Store) -> None:
    """As an agent before the second record has left it."""
    _two(store)
    put_file(store, "kws/state", first_record(3, version(2, OLD), version(1, OLDER)))


def _counted(store: Store) -> None:
    """Something signed was committed."""
    store.deploy("kws", OLDER)
    store.deploy("kws", OLD, counter=7)


def _counted_in_one_place(store: Store) -> None:
    """As an agent before the second place of the counter has left it."""
    _two(store)
    put_file(store, "kws/state", record([version(2, OLD), version(1, OLDER)], next_=3, counter=COUNTER))


def _removed(store: Store) -> None:
    _counted(store)
    store.remove("kws")


def _log_full(store: Store) -> None:
    _two(store)
    put_file(store, ".log", full(1))


def _both_logs_full(store: Store) -> None:
    _log_full(store)
    put_file(store, ".log.old", full(1))
    put_file(store, ".log", full(257))


def _new(store: Store) -> int:
    return store.deploy("kws", NEW, step=400)


def _signed(store: Store) -> int:
    return store.deploy("kws", NEW, step=400, counter=9)


def _interrupted(store: Store) -> None:
    _one(store)
    disk = store.disk  # type: ignore[attr-defined]
    disk.fails = lambda disk: sum(len(step.data) == 400 for step in disk.steps) == 1
    with pytest.raises(Refused, match="io"):
        _new(store)


def _sick(store: Store) -> None:
    """Its health check says no, if it comes so far."""
    try:
        store.deploy("kws", NEW, lambda data: FAULT["selftest_failed"])
    except Refused as refused:
        if str(refused) != "selftest_failed":
            raise


SCENARIOS = {
    "first": Scenario(lambda store: None, _new, None, (NEW,)),
    "second": Scenario(_one, _new, (OLD,), (NEW, OLD)),
    "third": Scenario(_two, _new, (OLD, OLDER), (NEW, OLD)),
    "resumed": Scenario(_interrupted, _new, (OLD,), (NEW, OLD)),
    "beside another": Scenario(lambda store: store.deploy("vww", OLD), _new, None, (NEW,)),
    "sick": Scenario(_two, _sick, (OLD, OLDER), (OLD, OLDER)),
    "over a damaged one": Scenario(_damaged, _new, (DAMAGED, OLDER), (NEW, OLDER)),
    "the same again": Scenario(_damaged, lambda store: store.deploy("kws", OLD), (DAMAGED, OLDER), (OLD, OLDER)),
    "more are kept": Scenario(_two, lambda store: store.deploy("kws", NEW, keep=8), (OLD, OLDER), (NEW, OLD, OLDER)),
    "fewer are kept": Scenario(_three, lambda store: store.deploy("kws", NEW, keep=1), (OLD, OLDER, OLDEST), (NEW,)),
    "retention": Scenario(_three, _new, (OLD, OLDER, OLDEST), (NEW, OLD, OLDER)),
    "keep": Scenario(_three, lambda store: store.keep("kws", 1), (OLD, OLDER, OLDEST), (OLD,)),
    "rollback": Scenario(_two, lambda store: store.rollback("kws"), (OLD, OLDER), (OLDER, OLD)),
    "back to a version": Scenario(_three, lambda store: store.rollback("kws", version=1), (OLD, OLDER, OLDEST), (OLDEST, OLD, OLDER)),
    "back from a damaged one": Scenario(_damaged, lambda store: store.rollback("kws"), (DAMAGED, OLDER), (OLDER,)),
    "remove": Scenario(_two, lambda store: store.remove("kws"), (OLD, OLDER), None),
    "remove a version": Scenario(_three, lambda store: store.remove("kws", version=2), (OLD, OLDER, OLDEST), (OLD, OLDEST)),
    "remove what was signed": Scenario(_counted, lambda store: store.remove("kws"), (OLD, OLDER), None),
    "first signed": Scenario(lambda store: None, _signed, None, (NEW,)),
    "signed over unsigned": Scenario(_two, _signed, (OLD, OLDER), (NEW, OLD)),
    "signed": Scenario(_counted, _signed, (OLD, OLDER), (NEW, OLD)),
    "signed after a removal": Scenario(_removed, _signed, None, (NEW,)),
    "back from a signed one": Scenario(_counted, lambda store: store.rollback("kws"), (OLD, OLDER), (OLDER, OLD)),
    "back, counted in one place": Scenario(_counted_in_one_place, lambda store: store.rollback("kws"), (OLD, OLDER), (OLDER, OLD)),
    "remove, counted in one place": Scenario(_counted_in_one_place, lambda store: store.remove("kws"), (OLD, OLDER), None),
    "after a removal": Scenario(_removed, _new, None, (NEW,)),
    "from the first record": Scenario(_first_record, _new, (OLD, OLDER), (NEW, OLD)),
    "back on the first record": Scenario(_first_record, lambda store: store.rollback("kws"), (OLD, OLDER), (OLDER, OLD)),
    "remove the first record": Scenario(_first_record, lambda store: store.remove("kws"), (OLD, OLDER), None),
    "the log is full": Scenario(_log_full, lambda store: store.rollback("kws"), (OLD, OLDER), (OLDER, OLD)),
    "both logs are full": Scenario(_both_logs_full, _new, (OLD, OLDER), (NEW, OLD)),
}
