"""What a board or chip file may say: its keys, and the checks that each file must pass. boards/README.md has the table for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from edgeq_host import chip_memory
from edgeq_host.agents import ARCHES
from edgeq_host.key_check import COMPARE as COMPARE
from edgeq_host.key_check import Key as Key
from edgeq_host.key_check import Problem as Problem
from edgeq_host.key_check import check_keys
from edgeq_host.programs import CORTEXM
from edgeq_host.transports import schemes
from edgeq_runtime import lists

EVIDENCE = ("silicon", "emulated", "built", "data")
DESCRIBED = ("xtensa",)  # architectures without an agent or firmware of ours: `edgeq export c` serves them
IMAGES = ("bin", "uf2")  # what a board's USB drive takes
POWER = ("ina3221", "vcgencmd", "rapl", "battery")
POWER_MODES = ("nvpmodel",)
_ID = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
_VERSION = re.compile(r"\d+(\.\d+)+")
_USB = re.compile(r"[0-9A-F]{4}:[0-9A-F]{4}")

_CORES = {"name": Key(str, True), "counts": Key(list, True, int)}
_SYSTEM = {"name": Key(str, True), "glibc": Key(str, True), "python": Key(str)}
_ALARM = {"name": Key(str, True), "hwmon": Key(str, True), "file": Key(str, True)}
_POWER = {"kind": Key(str, True), "rails": Key(list, False, str), "total": Key(list, False, str), "note": Key(str)}
_EVIDENCE = {name: Key(str, True) for name in ("kind", "date", "version", "how")}
_FLASH_TOOL = {"drives": Key(list, False, str), "image": Key(str), "pyocd": Key(str)}
# Of a board with a microcontroller only.
MICROCONTROLLER: Mapping[str, Key] = {
    "usb": Key(list, False, str),
    "firmware": Key(str),
    "flash_tool": Key(dict, False, _FLASH_TOOL),
    **chip_memory.KEYS,
}
CHIP: Mapping[str, Key] = {
    "id": Key(str, True),
    "name": Key(str, True),
    "arch": Key(str, True),
    "isas": Key(list, True, str),
    "fpu": Key(bool, True),
    "cores": Key(list, False, _CORES),
    "clock_hz": Key(int),
    "note": Key(str),
    **chip_memory.KEYS,
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
    **MICROCONTROLLER,
    "evidence": Key(dict, True, _EVIDENCE),
}


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
    known = (*ARCHES, CORTEXM, *DESCRIBED)
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


def _firmware_can_be_brought_there(path: Path, table: Mapping[str, Any]) -> Iterator[Problem]:
    for identity in table.get("usb", ()):
        if not _USB.fullmatch(identity):
            yield Problem(f"usb holds {identity!r}", "the ids of vendor and product, such as 0483:374B")
    if not _ID.fullmatch(table.get("firmware", "x")):
        yield Problem(f"firmware {table['firmware']!r}: it must be a folder of firmware/ports")
    tool = table.get("flash_tool", {})
    if bool(tool.get("drives")) != ("image" in tool) or tool.get("image", IMAGES[0]) not in IMAGES:
        yield Problem(f"flash_tool is {tool}", f"drives, the labels of a drive, go with image, one of {', '.join(IMAGES)}")


def _memory_fits_together(path: Path, table: Mapping[str, Any]) -> Iterator[Problem]:
    yield from chip_memory.check(table)


Check = Callable[[Path, Mapping[str, Any]], Iterator[Problem]]
CHIP_CHECKS: tuple[Check, ...] = (_id_is_stem, _isas_are_rows, _arch_is_known, _numbers_are_positive, _memory_fits_together)
BOARD_CHECKS: tuple[Check, ...] = (
    _id_is_stem,
    _link_has_a_transport,
    _numbers_are_positive,
    _power_is_not_counted_twice,
    _other_values,
    _evidence_is_dated,
    _firmware_can_be_brought_there,
    _memory_fits_together,
)


def problems(path: Path, table: Mapping[str, Any], chip: bool) -> list[Problem]:
    """All that is wrong with a file's table; the checks run only where every key is there with the right type."""
    found = list(check_keys(table, CHIP if chip else BOARD))
    if found:
        return found
    return [problem for check in (CHIP_CHECKS if chip else BOARD_CHECKS) for problem in check(path, table)]
