"""The only reader of boards/*.toml: what kinds of board there are, and what `--board` means."""

from __future__ import annotations

import difflib
import os
import platform
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeq_host.errors import UsageError
from edgeq_host.transports import schemes
from edgeq_runtime import lists

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_BESIDE = Path(__file__).resolve().parents[1]
# The folder boards/ of the repository is the package edgeq_boards in a wheel.
SHIPPED = next((path for path in (_BESIDE / "edgeq_boards", _BESIDE / "boards") if path.is_dir()), _BESIDE / "boards")
# Other names of boards; the value is a board id. The only such table.
ALIASES: Mapping[str, str] = {"host": "local", "localhost": "local"}
EVIDENCE = ("silicon", "emulated", "built")
_ID = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_CHIP_KEYS = {"id": str, "name": str, "arch": str, "isas": list, "fpu": bool}
_BOARD_KEYS = {"id": str, "name": str, "link": str, "chip": (str, dict), "evidence": dict}
_EVIDENCE_KEYS = {"kind": str, "date": str, "version": str, "how": str}


@dataclass(frozen=True)
class Chip:
    """isas: rows of isa.def that the chip may have; the agent says which it does have."""

    id: str
    name: str
    arch: str
    isas: tuple[str, ...]
    fpu: bool


@dataclass(frozen=True)
class Evidence:
    """How we know that this board works: run on silicon, run in an emulator, or only built. version: of edgeq."""

    kind: str
    date: str
    version: str
    how: str


@dataclass(frozen=True)
class Board:
    """A kind of board. link: the address of its agent."""

    id: str
    name: str
    link: str
    chip: Chip
    evidence: Evidence
    path: Path


def _fail(path: Path, text: str, hint: str = "compare with boards/README.md") -> UsageError:
    return UsageError(f"{path}: {text}", hint)


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _fail(path, f"cannot be read: {error}") from error


def _check_keys(path: Path, where: str, table: Mapping[str, Any], keys: Mapping[str, Any]) -> None:
    for key, value in table.items():
        if key not in keys:
            near = difflib.get_close_matches(key, keys, 1)
            raise _fail(path, f"unknown key {where}{key}", f"did you mean {near[0]}?" if near else f"known: {', '.join(keys)}")
        if not isinstance(value, keys[key]) or (isinstance(value, bool) and keys[key] is int):
            raise _fail(path, f"{where}{key} is {value!r}, a {type(value).__name__}")
    for key in keys:
        if key not in table:
            raise _fail(path, f"{where}{key} is missing")


def _id_is_stem(path: Path, table: Mapping[str, Any]) -> None:
    if table["id"] != path.stem or not _ID.fullmatch(path.stem):
        raise _fail(path, f"id {table['id']!r}: it must be the file's stem, of a-z, 0-9 and single '_'")


def _isas_are_rows(path: Path, table: Mapping[str, Any]) -> None:
    for name in table["isas"]:
        if name not in lists.isas():
            raise _fail(path, f"isas names {name!r}", f"rows of isa.def: {', '.join(lists.isas())}")
    if "portable" not in table["isas"]:
        raise _fail(path, "isas does not name portable, which every chip has")


def _link_has_a_transport(path: Path, table: Mapping[str, Any]) -> None:
    scheme = table["link"].partition(":")[0]
    if ":" not in table["link"] or scheme not in schemes():
        raise _fail(path, f"link {table['link']!r} names no transport", f"an address is scheme:rest; schemes: {', '.join(schemes())}")


def _evidence_is_dated(path: Path, table: Mapping[str, Any]) -> None:
    evidence = table["evidence"]
    if evidence["kind"] not in EVIDENCE or not _DATE.fullmatch(evidence["date"]) or not evidence["version"] or not evidence["how"]:
        raise _fail(path, f"evidence {evidence}", f"kind is of {', '.join(EVIDENCE)}, date is YYYY-MM-DD, version and how are not empty")


CHIP_CHECKS: tuple[Callable[[Path, Mapping[str, Any]], None], ...] = (_id_is_stem, _isas_are_rows)
BOARD_CHECKS: tuple[Callable[[Path, Mapping[str, Any]], None], ...] = (
    _id_is_stem,
    _link_has_a_transport,
    _evidence_is_dated,
)


def read_chip(path: Path) -> Chip:
    table = _table(path)
    _check_keys(path, "", table, _CHIP_KEYS)
    for check in CHIP_CHECKS:
        check(path, table)
    return Chip(table["id"], table["name"], table["arch"], tuple(table["isas"]), table["fpu"])


def _chip_path(path: Path, chip: str | Mapping[str, str]) -> Path:
    """The chip's file; a table gives one for each machine that the board can be."""
    if not isinstance(chip, str):
        machine = platform.machine()
        if machine not in chip:
            raise _fail(path, f"no chip for the machine {machine!r}", f"have: {', '.join(chip)}")
        chip = chip[machine]
    own = path.parent / "chips" / f"{chip}.toml"
    return own if own.is_file() else SHIPPED / "chips" / f"{chip}.toml"


def read_board(path: Path) -> Board:
    """UsageError names the file, the key and what is expected."""
    table = _table(path)
    _check_keys(path, "", table, _BOARD_KEYS)
    _check_keys(path, "evidence.", table["evidence"], _EVIDENCE_KEYS)
    for check in BOARD_CHECKS:
        check(path, table)
    chip = read_chip(_chip_path(path, table["chip"]))
    evidence = Evidence(**table["evidence"])
    return Board(table["id"], table["name"], table["link"], chip, evidence, path)


def folders() -> list[Path]:
    """Where boards are looked for, the first place first."""
    extra = [Path(part) for part in os.environ.get("EDGEQ_BOARD_PATH", "").split(os.pathsep) if part]
    found: list[Path] = []
    for folder in (*extra, Path("boards"), SHIPPED):
        if folder.is_dir() and folder.resolve() not in found:
            found.append(folder.resolve())
    return found


def paths() -> dict[str, Path]:
    """Every board file by its id."""
    found: dict[str, Path] = {}
    for folder in folders():
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def resolve(name: str) -> Board:
    """The board of an id or an alias. UsageError with the list and what was perhaps meant."""
    have = paths()
    wanted = ALIASES.get(name, name)
    if wanted in have:
        return read_board(have[wanted])
    near = difflib.get_close_matches(name, [*have, *ALIASES], 3)
    hint = f"boards: {', '.join(have)}; look in: {', '.join(map(str, folders()))}"
    raise UsageError(f"no board {name!r}" + (f"; did you mean {' or '.join(near)}?" if near else ""), hint)
