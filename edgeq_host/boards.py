"""Which kinds of board there are, and the one of a name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from edgeq_host import board_file
from edgeq_host.board_file import SHIPPED as SHIPPED
from edgeq_host.board_file import Board as Board
from edgeq_host.board_file import Evidence as Evidence
from edgeq_host.board_file import read_board as read_board
from edgeq_host.board_file import read_chip as read_chip
from edgeq_host.board_schema import Problem
from edgeq_host.errors import UsageError
from edgeq_host.text import near

# Other names of boards; the value is a board id. The only such table.
ALIASES: Mapping[str, str] = {
    "host": "local",
    "localhost": "local",
    "raspberrypi4": "raspberrypi_4b",
    "raspberrypi5": "raspberrypi_5",
    "sim:cortex-m3": "qemu_mps2_an385",
    "sim:cortex-m33": "qemu_mps2_an505",
    "sim:cortex-m4": "qemu_mps2_an386",
    "sim:cortex-m55": "qemu_mps3_an547",
    "sim:cortex-m7": "qemu_mps2_an500",
    "sim:raspberrypi4": "sim_raspberrypi_4",
    "sim:raspberrypi5": "sim_raspberrypi_5",
}


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


def survey() -> tuple[list[Board], list[UsageError]]:
    """Every board, by id, and what is wrong with each file that cannot be one: those that are sound are boards all the same."""
    found: list[Board] = []
    wrong: list[UsageError] = []
    files = paths()
    for path in files.values():
        try:
            found.append(_read(path, files))
        except UsageError as error:
            wrong.append(error)
    return found, wrong


def all_boards() -> list[Board]:
    """Of the files that are sound, by id."""
    return survey()[0]


def family(name: str) -> list[Board]:
    """The boards of a family; empty where there is no such family."""
    return [board for board in all_boards() if name and board.family == name]


def families() -> list[str]:
    return sorted({board.family for board in all_boards()} - {""})


@cache
def _taken() -> Mapping[str, str]:
    """Names that are no ids of boards of one's own: to what they mean."""
    tables = [board_file.read_table(path) for path in SHIPPED.glob("*.toml")]
    devices = {table["id"]: "a device of its own" for table in tables if "link" in table}
    groups = {table["family"]: "a family" for table in tables if "family" in table}
    return devices | groups | {alias: f"another name of {board}" for alias, board in ALIASES.items()}


def reserved(path: Path) -> Problem | None:
    """Why no file of one's own may have this name: it means something else already. `local` and the emulators start programs of this
    machine: a folder from somebody else must not say what `local` starts."""
    if path.resolve() == (SHIPPED / path.name).resolve():
        return None
    if path.stem not in _taken():
        return None
    return Problem(f"it would take the place of {path.stem}, which is {_taken()[path.stem]}", "give your board another id")


def _unclear(family: str, files: Mapping[str, Path]) -> Problem | None:
    """Why a family cannot be told from something else that --board takes."""
    if family in ALIASES or (family in files and reserved(files[family]) is None):
        return Problem(f"the family {family} has the name of a board", "give the family another name")
    return None


def _read(path: Path, files: Mapping[str, Path]) -> Board:
    _refuse(path, reserved(path))
    board = read_board(path)
    _refuse(path, _unclear(board.family, files))
    return board


def _refuse(path: Path, problem: Problem | None) -> None:
    if problem is not None:
        raise UsageError(f"{path}: {problem.text}", problem.hint)


def examine(path: Path, chip: bool = False) -> list[Problem]:
    """All that is wrong with a board file and the chips that it names, or with a chip file. Empty: it is sound."""
    found = board_file.examine(path, chip)
    if chip:
        return found
    family = "" if found else board_file.read_table(path).get("family", "")
    return [*found, *(problem for problem in (reserved(path), _unclear(family, paths())) if problem is not None)]


def resolve(name: str) -> Board:
    """The board of an id or an alias. UsageError with the list and what was perhaps meant."""
    have = paths()
    wanted = ALIASES.get(name, name)
    if wanted in have:
        return _read(have[wanted], have)
    members = family(name)
    if members:
        raise UsageError(f"{name!r} is a family of boards, not a board", f"name one of them: {', '.join(board.id for board in members)}")
    meant = near(name, [*have, *ALIASES, *families()])
    hint = f"boards: {', '.join(have)}; look in: {', '.join(map(str, folders()))}"
    raise UsageError(f"no board {name!r}" + (f"; did you mean {' or '.join(meant)}?" if meant else ""), hint)
