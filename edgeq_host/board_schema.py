"""What a board or chip file may say: its keys, and the checks that each file must pass. boards/README.md has the table for people."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from edgeq_host.agents import ARCHES
from edgeq_host.programs import CORTEXM
from edgeq_host.transports import schemes
from edgeq_runtime import lists

EVIDENCE = ("silicon", "emulated", "built")
POWER = ("ina3221", "vcgencmd", "rapl", "battery")
POWER_MODES = ("nvpmodel",)
COMPARE = "compare with boards/README.md"
_ID = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
_VERSION = re.compile(r"\d+(\.\d+)+")


@dataclass(frozen=True)
class Problem:
    """What is wrong with a file, and what to do."""

    text: str
    hint: str = COMPARE


@dataclass(frozen=True)
class Key:
    """A key of a file. kind: the type of its value; of: what each item of a list is, or the keys of the tables in it."""

    kind: type | tuple[type, ...]
    required: bool = False
    of: type | Mapping[str, Key] | None = None


_CORES = {"name": Key(str, True), "counts": Key(list, True, int)}
_SYSTEM = {"name": Key(str, True), "glibc": Key(str, True), "python": Key(str)}
_ALARM = {"name": Key(str, True), "hwmon": Key(str, True), "file": Key(str, True)}
_POWER = {"kind": Key(str, True), "rails": Key(list, False, str), "total": Key(list, False, str), "note": Key(str)}
_EVIDENCE = {name: Key(str, True) for name in ("kind", "date", "version", "how")}
CHIP: Mapping[str, Key] = {
    "id": Key(str, True),
    "name": Key(str, True),
    "arch": Key(str, True),
    "isas": Key(list, True, str),
    "fpu": Key(bool, True),
    "cores": Key(list, False, _CORES),
    "clock_hz": Key(int),
    "note": Key(str),
}
BOARD: Mapping[str, Key] = {
    "id": Key(str, True),
    "name": Key(str, True),
    "family": Key(str),
    "link": Key(str),
    "chip": Key((str, dict), True),
    "match": Key(list, False, str),
    "cores": Key(list, False, _CORES),
    "memory_bytes": Key(list, False, int),
    "thermal_zones": Key(list, False, str),
    "power_modes": Key(str),
    "systems": Key(list, False, _SYSTEM),
    "note": Key(str),
    "alarms": Key(list, False, _ALARM),
    "power": Key(list, False, _POWER),
    "usb": Key(list, False, str),
    "evidence": Key(dict, True, _EVIDENCE),
}


def _fits(value: Any, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, kind) and not (isinstance(value, bool) and kind is int)


def check_keys(table: Mapping[str, Any], keys: Mapping[str, Key], where: str = "") -> Iterator[Problem]:
    """Unknown and missing keys and values of another type, of the table and of the tables in it."""
    for name, value in table.items():
        if name not in keys:
            near = difflib.get_close_matches(name, keys, 1)
            yield Problem(f"unknown key {where}{name}", f"did you mean {near[0]}?" if near else f"known: {', '.join(keys)}")
        elif not _fits(value, keys[name].kind):
            yield Problem(f"{where}{name} is {value!r}, a {type(value).__name__}")
        elif keys[name].of is not None:
            yield from _check_items(value, keys[name].of, f"{where}{name}")
    yield from (Problem(f"{where}{name} is missing") for name, key in keys.items() if key.required and name not in table)


def _check_items(value: Any, of: Any, where: str) -> Iterator[Problem]:
    if isinstance(value, dict):
        yield from check_keys(value, of, f"{where}.")
        return
    for item in value:
        if isinstance(of, Mapping):
            yield from check_keys(item, of, f"{where}.") if isinstance(item, dict) else [Problem(f"{where} holds {item!r}, no table")]
        elif not _fits(item, of):
            yield Problem(f"{where} holds {item!r}, a {type(item).__name__}")


def _id_is_stem(path: Path, table: Mapping[str, Any]) -> Iterator[Problem]:
    if table["id"] != path.stem or not _ID.fullmatch(path.stem):
        yield Problem(f"id {table['id']!r}: it must be the file's stem, of a-z, 0-9 and single '_'")


def _isas_are_rows(path: Path, table: Mapping[str, Any]) -> Iterator[Problem]:
    for name in table["isas"]:
        if name not in lists.isas():
            yield Problem(f"isas names {name!r}", f"rows of isa.def: {', '.join(lists.isas())}")
    if "portable" not in table["isas"]:
        yield Problem("isas does not name portable, which every chip has")


def _arch_is_known(path: Path, table: Mapping[str, Any]) -> Iterator[Problem]:
    known = (*ARCHES, CORTEXM)
    if table["arch"] not in known:
        yield Problem(f"arch {table['arch']!r}", f"one of {', '.join(known)}")


def _link_has_a_transport(path: Path, table: Mapping[str, Any]) -> Iterator[Problem]:
    link = table.get("link")
    if link is not None and (":" not in link or link.partition(":")[0] not in schemes()):
        yield Problem(f"link {link!r} names no transport", f"an address is scheme:rest; schemes: {', '.join(schemes())}")


def _numbers_are_positive(path: Path, table: Mapping[str, Any]) -> Iterator[Problem]:
    counts = [count for cores in table.get("cores", ()) for count in cores["counts"]]
    numbers = {"cores.counts": counts, "memory_bytes": table.get("memory_bytes", []), "clock_hz": [table.get("clock_hz", 1)]}
    yield from (Problem(f"{name} holds {n}, expected more than 0") for name, values in numbers.items() for n in values if n < 1)
    for cores in table.get("cores", ()):
        if not cores["counts"]:
            yield Problem("cores.counts is empty", "name how many cores of this kind there may be, such as [4]")


def _power_is_not_counted_twice(path: Path, table: Mapping[str, Any]) -> Iterator[Problem]:
    for power in table.get("power", ()):
        if power["kind"] not in POWER:
            yield Problem(f"power.kind {power['kind']!r}", f"one of {', '.join(POWER)}")
        rails, total = power.get("rails", []), power.get("total", [])
        for rail in total:
            if rail not in rails:
                yield Problem(f"power.total names {rail!r}, which is not in power.rails", f"rails: {', '.join(rails) or 'none'}")
        if len(set(total)) != len(total) or len(set(rails)) != len(rails):
            yield Problem("a rail is named twice", "the total adds each rail of power.total once")
        if len(rails) > 1 and not total:
            yield Problem("power.total is missing", "several rails: name those whose sum is the whole, without any that is inside another")


def _evidence_is_dated(path: Path, table: Mapping[str, Any]) -> Iterator[Problem]:
    evidence = table["evidence"]
    if evidence["kind"] not in EVIDENCE or not evidence["version"] or not evidence["how"]:
        yield Problem(f"evidence {evidence}", f"kind is of {', '.join(EVIDENCE)}, version and how are not empty")
    yield from _is_a_day_that_was(evidence["date"])


def _is_a_day_that_was(text: str) -> Iterator[Problem]:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or text != day.isoformat():
        yield Problem(f"evidence.date {text!r} is no day", "the day as YYYY-MM-DD, such as 2026-11-28")
    elif day > date.today() + timedelta(days=1):  # it may be tomorrow already where the file was written
        yield Problem(f"evidence.date {text} is in the future", "the day on which it was tried, or the clock of this machine is wrong")


def _other_values(path: Path, table: Mapping[str, Any]) -> Iterator[Problem]:
    if table.get("power_modes", POWER_MODES[0]) not in POWER_MODES:
        yield Problem(f"power_modes {table['power_modes']!r}", f"one of {', '.join(POWER_MODES)}")
    if not _ID.fullmatch(table.get("family", "x")):
        yield Problem(f"family {table['family']!r}: it must be of a-z, 0-9 and single '_'")
    for system in table.get("systems", ()):
        for key in ("glibc", "python"):
            if not _VERSION.fullmatch(system.get(key, "1.0")):
                yield Problem(f"systems.{key} {system[key]!r}", "a version such as 2.31")


Check = Callable[[Path, Mapping[str, Any]], Iterator[Problem]]
CHIP_CHECKS: tuple[Check, ...] = (_id_is_stem, _isas_are_rows, _arch_is_known, _numbers_are_positive)
BOARD_CHECKS: tuple[Check, ...] = (
    _id_is_stem,
    _link_has_a_transport,
    _numbers_are_positive,
    _power_is_not_counted_twice,
    _other_values,
    _evidence_is_dated,
)


def problems(path: Path, table: Mapping[str, Any], chip: bool) -> list[Problem]:
    """All that is wrong with a file's table; the checks run only where every key is there with the right type."""
    found = list(check_keys(table, CHIP if chip else BOARD))
    if found:
        return found
    return [problem for check in (CHIP_CHECKS if chip else BOARD_CHECKS) for problem in check(path, table)]
