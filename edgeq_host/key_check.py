"""Tables of TOML against the keys that they may have: what board and chip files, and their parts, are checked with."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

COMPARE = "compare with boards/README.md"


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
