"""A board or chip file, read: TOML to a checked Board or Chip."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeq_host import chip_memory
from edgeq_host.agents import MACHINES
from edgeq_host.board_schema import COMPARE, Problem, problems
from edgeq_host.chip_memory import Bank, Flash
from edgeq_host.errors import UsageError
from edgeq_host.files import read_text, toml

_BESIDE = Path(__file__).resolve().parents[1]
# The folder boards/ of the repository is the package edgeq_boards in a wheel.
SHIPPED = next((path for path in (_BESIDE / "edgeq_boards", _BESIDE / "boards") if path.is_dir()), _BESIDE / "boards")
MAX_BYTES = 1 << 20  # of a board file


@dataclass(frozen=True)
class Cores:
    """A kind of core and how many of it there may be."""

    name: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Chip:
    """isas: rows of isa.def that the chip may have; the agent says which it does have. clock_hz: the highest, 0 where it is not sure.
    banks, flash: memory inside a microcontroller."""

    id: str
    name: str
    arch: str
    isas: tuple[str, ...]
    fpu: bool
    cores: tuple[Cores, ...] = ()
    clock_hz: int = 0
    note: str = ""
    banks: tuple[Bank, ...] = ()
    flash: Flash | None = None


@dataclass(frozen=True)
class System:
    """An operating system that runs there, with the version of its C library and of its Python ("": not sure)."""

    name: str
    glibc: str
    python: str = ""


@dataclass(frozen=True)
class Alarm:
    """A file of the hwmon device of that name, 1 while something is wrong."""

    name: str
    hwmon: str
    file: str


@dataclass(frozen=True)
class Power:
    """A sensor. rails: by label; total: those whose sum is the whole, none of them inside another."""

    kind: str
    rails: tuple[str, ...] = ()
    total: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class FlashTool:
    """What brings firmware onto a board. drives: labels that its USB drive may have; image: what that takes. pyocd: its chip."""

    drives: tuple[str, ...] = ()
    image: str = ""
    pyocd: str = ""


@dataclass(frozen=True)
class Evidence:
    """How we know that this board works: run on silicon, run in an emulator, only built, or (data) not even that. version: of edgeq."""

    kind: str
    date: str
    version: str
    how: str


@dataclass(frozen=True)
class Board:
    """A kind of board. link: the address of its agent where the board is its own device, else empty. match: `compatible` strings of
    its device tree, `*` stands for anything. memory_bytes: the sizes that are sold. power_modes: the tool that sets them.

    Of a microcontroller: usb, the vendor and product ids of its serial port; firmware, the port of firmware/ports that is for it; banks
    and flash, those of the chip and of the board."""

    id: str
    name: str
    chip: Chip
    evidence: Evidence
    path: Path
    link: str = ""
    family: str = ""
    match: tuple[str, ...] = ()
    cores: tuple[Cores, ...] = ()
    memory_bytes: tuple[int, ...] = ()
    thermal_zones: tuple[str, ...] = ()
    power_modes: str = ""
    systems: tuple[System, ...] = ()
    note: str = ""
    alarms: tuple[Alarm, ...] = ()
    power: tuple[Power, ...] = ()
    usb: tuple[str, ...] = ()
    firmware: str = ""
    flash_tool: FlashTool | None = None
    banks: tuple[Bank, ...] = ()
    flash: Flash | None = None


def _load(path: Path) -> dict[str, Any]:
    """ValueError says why it cannot be read."""
    try:
        return toml(read_text(path, MAX_BYTES))
    except OSError as error:
        raise ValueError(str(error)) from error


def examine(path: Path, chip: bool = False) -> list[Problem]:
    """All that is wrong with a board file and the chips that it names, or with a chip file. Empty: it is sound."""
    try:
        table = _load(path)
    except ValueError as error:
        return [Problem(f"cannot be read: {error}")]
    found = problems(path, table, chip)
    if chip or found:
        return found
    names = table["chip"].values() if isinstance(table["chip"], dict) else [table["chip"]]
    for name in names:
        if not isinstance(name, str):
            found.append(Problem(f"chip holds {name!r}, a {type(name).__name__}"))
            continue
        where = _chip_path(path, name)
        found += [Problem(f"chip {name}: {where}: {problem.text}", problem.hint) for problem in examine(where, chip=True)]
    return found


def read_table(path: Path, chip: bool = False) -> dict[str, Any]:
    """A file's keys. UsageError names the first that is wrong."""
    try:
        table = _load(path)
    except ValueError as error:
        raise UsageError(f"{path}: cannot be read: {error}", COMPARE) from error
    found = problems(path, table, chip)
    if found:
        raise UsageError(f"{path}: {found[0].text}", found[0].hint)
    return table


def _cores(table: Mapping[str, Any]) -> tuple[Cores, ...]:
    return tuple(Cores(row["name"], tuple(row["counts"])) for row in table.get("cores", ()))


def _memory(table: Mapping[str, Any]) -> dict[str, Any]:
    return {"banks": chip_memory.read_banks(table), "flash": chip_memory.read_flash(table)}


def _flash_tool(table: Mapping[str, Any]) -> FlashTool | None:
    tool = table.get("flash_tool")
    return None if tool is None else FlashTool(**{**tool, "drives": tuple(tool.get("drives", ()))})


def read_chip(path: Path) -> Chip:
    table = read_table(path, chip=True)
    return Chip(**{**table, "isas": tuple(table["isas"]), "cores": _cores(table), **_memory(table)})


def _chip_path(path: Path, chip: str) -> Path:
    own = path.parent / "chips" / f"{chip}.toml"
    return own if own.is_file() else SHIPPED / "chips" / f"{chip}.toml"


def _chip(path: Path, chip: str | Mapping[str, str]) -> Chip:
    """A table gives a chip for each architecture that the board can be of: that of this machine is meant."""
    if not isinstance(chip, str):
        machine = platform.machine()
        found = chip.get(MACHINES.get(machine.lower(), machine))
        if not isinstance(found, str):
            raise UsageError(f"{path}: no chip for the machine {machine!r}", f"have: {', '.join(chip)}")
        chip = found
    return read_chip(_chip_path(path, chip))


def read_board(path: Path) -> Board:
    """UsageError names the file, the key and what is expected."""
    table = read_table(path)
    chip = _chip(path, table["chip"])
    rows = {"systems": System, "alarms": Alarm}
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    values.update({key: tuple(row(**item) for item in table.get(key, ())) for key, row in rows.items()})
    values["power"] = tuple(
        Power(p["kind"], tuple(p.get("rails", ())), tuple(p.get("total", ())), p.get("note", "")) for p in table.get("power", ())
    )
    values.update(chip=chip, cores=_cores(table) or chip.cores, evidence=Evidence(**table["evidence"]), path=path)
    memory = _memory(table)
    values.update(banks=(*chip.banks, *memory["banks"]), flash=memory["flash"] or chip.flash, flash_tool=_flash_tool(table))
    return Board(**values)
