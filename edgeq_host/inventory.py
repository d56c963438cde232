"""Your devices: [devices.NAME] of edgeq.toml, and how they get there."""

from __future__ import annotations

import csv
import fcntl
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from edgeq_host import addresses, boards, settings
from edgeq_host.board_schema import Problem
from edgeq_host.errors import ModelError, UsageError
from edgeq_host.export import write_file
from edgeq_host.files import read_text

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_RULE = "a device's name has 1 to 63 letters, digits, '.', '_' or '-' and starts with a letter or digit"
COLUMNS = ("name", *settings.DEVICE_KEYS)
MAX_ROWS = 100_000
MAX_CSV = 64 << 20  # bytes


@dataclass(frozen=True)
class Entry:
    """One device. address: canonical, empty where what the file says cannot be one. board: a board's id, empty where nobody has said it;
    as it stands in the file where there is no such board here. path: the file that names it. wrong: what is wrong with it there."""

    name: str
    address: str
    board: str = ""
    key: str = ""
    tags: tuple[str, ...] = ()
    path: Path | None = None
    wrong: Problem | None = None


def entries() -> dict[str, Entry]:
    """Every device by name, those of the project before those of the user; one that is wrong says so itself and keeps no other from
    being used. UsageError where a file is no edgeq.toml."""
    found: dict[str, Entry] = {}
    kinds = kind_words()
    for file in settings.files():
        for name, keys in file.devices.items():
            if name not in found:
                found[name] = replace(_as_it_stands(name, keys, kinds), path=file.path)
    return dict(sorted(found.items()))


def kind_words() -> dict[str, str]:
    """Every word that means a kind of board: to its id, a family to nothing."""
    return dict.fromkeys(boards.families(), "") | {board: board for board in boards.paths()} | dict(boards.ALIASES)


def _as_it_stands(name: str, keys: Mapping[str, Any], kinds: Mapping[str, str]) -> Entry:
    """A device of a file: its board may be known elsewhere only, and what cannot be used can still be seen and removed."""
    address, board, key = (str(keys.get(key, "")) for key in ("address", "board", "key"))
    found = Entry(name, "", board, key, tuple(keys.get("tags", ())))
    try:
        _check_name(name, kinds)
        found = replace(found, address=addresses.canonical(address))
        return replace(found, board=_board(board, kinds))
    except UsageError as error:
        return replace(found, wrong=Problem(error.message, error.hint))


def _of_row(where: str, row: Mapping[str, str], kinds: Mapping[str, str]) -> Entry:
    name, address, board, key, tags = (row.get(column, "") for column in COLUMNS)
    try:
        found = entry(name, address, board, key, tuple(filter(None, re.split(r"[\s,]+", tags))), kinds)
        check_key(found)
    except UsageError as error:
        raise UsageError(f"{where}: device {name!r}: {error.message}", error.hint) from error
    return found


def entry(
    name: str, address: str, board: str = "", key: str = "", tags: tuple[str, ...] = (), kinds: Mapping[str, str] | None = None
) -> Entry:
    """A device as somebody has typed it. UsageError for what cannot be."""
    kinds = kind_words() if kinds is None else kinds
    _check_name(name, kinds)
    return Entry(name, addresses.canonical(address), _board(board, kinds), key, tags)


def _board(board: str, kinds: Mapping[str, str]) -> str:
    """Its id."""
    if board and not kinds.get(board):
        boards.resolve(board)  # says what was perhaps meant
    return kinds[board] if board else ""


def check_key(device: Entry) -> None:
    """UsageError where its key file is not there. What stands in its place may be the key itself: it is not repeated."""
    if device.key and not Path(device.key).expanduser().is_file():
        raise UsageError(f"the key of {device.name} is no file", "name the file of a private key for ssh, or leave it out")


def _check_name(name: str, kinds: Mapping[str, str]) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name", _RULE)
    if name in kinds:
        raise UsageError(f"{name!r} is a kind of board", "choose another name for the device, such as the room it stands in")


def check_new(path: Path, new: Iterable[Entry]) -> None:
    """UsageError where `path` has a device of one of the names."""
    have = settings.read(path).devices if path.is_file() else {}
    for device in new:
        if device.name in have:
            raise UsageError(f"{path} has a device {device.name!r} already", f"edgeq devices remove {device.name}, or choose another name")


def add(path: Path, new: Sequence[Entry]) -> None:
    """Write devices into an edgeq.toml; its comments and order stay. UsageError where one is there already: nothing is written."""
    with _alone(path):
        check_new(path, new)
        document = _document(path)
        table = document.setdefault("devices", tomlkit.table(is_super_table=True))
        for device in new:
            table[device.name] = _table(device)
        _write(path, document)


def change(path: Path, device: Entry) -> None:
    """What `path` says of a device that it has."""
    with _alone(path):
        document = _document(path)
        table = document["devices"][device.name]
        for key, value in _table(device).items():
            table[key] = value
        _write(path, document)


def remove(path: Path, name: str) -> None:
    with _alone(path):
        document = _document(path)
        del document["devices"][name]
        _write(path, document)


def _table(device: Entry) -> tomlkit.items.Table:
    table = tomlkit.table()
    for key in settings.DEVICE_KEYS:
        value = getattr(device, key)
        if value:
            table[key] = list(value) if isinstance(value, tuple) else value
    return table


def _document(path: Path) -> tomlkit.TOMLDocument:
    if not path.is_file():
        return tomlkit.document()
    text = settings.content(path)
    settings.parse(path, text)
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise UsageError(f"{path} is not TOML: {error}", "mend it, or write the device into it by hand") from error


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One change of a file at a time: the folder is locked, so that nothing is left behind."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise UsageError(f"{path.parent}: {error.strerror or error}", "nothing was changed; check the folder and its rights") from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _write(path: Path, document: tomlkit.TOMLDocument) -> None:
    text = tomlkit.dumps(document)
    settings.parse(path, text)
    try:
        write_file(path, text.encode("utf-8"))
    except (OSError, ModelError) as error:
        raise UsageError(
            f"{path} cannot be written: {error}", "nothing was changed; check the folder, its rights and the free space"
        ) from error


def from_csv(path: Path) -> list[Entry]:
    """The devices of a CSV file whose first line names its columns: COLUMNS, of which name and address are needed; between tags stand
    spaces or commas. UsageError names the first line that is wrong."""
    try:
        text = read_text(path, MAX_CSV, "utf-8-sig")
        return _rows(path, csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except (OSError, ValueError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{path} cannot be read: {why}", f"a CSV file in UTF-8 with the columns {', '.join(COLUMNS)}") from error


def _rows(path: Path, reader: csv.DictReader[str]) -> list[Entry]:
    columns = [column.strip().lower() for column in reader.fieldnames or ()]
    unknown = [column for column in columns if column not in COLUMNS]
    between = next((c for c in ";\t|" if unknown and len(columns) == 1 and c in unknown[0]), "")
    if between:
        raise UsageError(f"{path}: {between!r} stands between the columns of its first line", "put commas there, in every line")
    if unknown or not {"name", "address"} <= set(columns) or len(set(columns)) != len(columns):
        text = f"{path}: its first line has the columns {', '.join(columns) or '(none)'}"
        raise UsageError(text, f"it must have name and address, once each, and may have {', '.join(COLUMNS[2:])}")
    reader.fieldnames = columns
    found: dict[str, Entry] = {}
    kinds = kind_words()
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        if None in row or None in row.values():
            raise UsageError(f"{where}: not {len(columns)} values", "write one value for each column; empty ones are allowed")
        device = _of_row(where, {key: text.strip() for key, text in row.items()}, kinds)
        if device.name in found:
            raise UsageError(f"{where}: device {device.name!r} is there twice", "give each device a name of its own")
        if len(found) >= MAX_ROWS:
            raise UsageError(f"{path}: more than {MAX_ROWS} devices", "cut the file into several")
        found[device.name] = device
    if not found:
        raise UsageError(f"{path}: there is no device in it", "write a line for each below the one that names the columns")
    return list(found.values())


def same_address(new: Iterable[Entry]) -> Iterator[tuple[str, str]]:
    """Pairs of names that stand for one address, of new devices and of those that there are."""
    first = {device.address: device.name for device in reversed(list(entries().values())) if device.address}
    for device in new:
        other = first.setdefault(device.address, device.name)
        if other != device.name:
            yield other, device.name
