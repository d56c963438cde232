"""Which kinds of board there are, and the one of a name."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path

from edgeq_host.board_file import SHIPPED as SHIPPED
from edgeq_host.board_file import Board as Board
from edgeq_host.board_file import Evidence as Evidence
from edgeq_host.board_file import read_board as read_board
from edgeq_host.board_file import read_chip as read_chip
from edgeq_host.errors import UsageError

# Other names of boards; the value is a board id. The only such table.
ALIASES: Mapping[str, str] = {
    "host": "local",
    "localhost": "local",
    "raspberrypi4": "raspberrypi_4b",
    "raspberrypi5": "raspberrypi_5",
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


def all_boards() -> list[Board]:
    """By id. UsageError for the first file that is wrong."""
    return [read_board(path) for path in paths().values()]


def family(name: str) -> list[Board]:
    """The boards of a family; empty where there is no such family."""
    return [board for board in all_boards() if name and board.family == name]


def families() -> list[str]:
    return sorted({board.family for board in all_boards()} - {""})


def _not_in_the_place_of_a_device(path: Path) -> None:
    """`local` and the emulators start programs of this machine: a folder from somebody else must not say what `local` starts."""
    shipped = SHIPPED / path.name
    if path.resolve() != shipped.resolve() and shipped.is_file() and read_board(shipped).link:
        raise UsageError(f"{path} would take the place of {path.stem}, which is a device of its own", "give your board another id")


def resolve(name: str) -> Board:
    """The board of an id or an alias. UsageError with the list and what was perhaps meant."""
    have = paths()
    wanted = ALIASES.get(name, name)
    if wanted in have:
        _not_in_the_place_of_a_device(have[wanted])
        return read_board(have[wanted])
    near = difflib.get_close_matches(name, [*have, *ALIASES, *families()], 3)
    hint = f"boards: {', '.join(have)}; look in: {', '.join(map(str, folders()))}"
    raise UsageError(f"no board {name!r}" + (f"; did you mean {' or '.join(near)}?" if near else ""), hint)
