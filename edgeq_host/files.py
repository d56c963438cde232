"""Files of other people: read whole, but for what is no regular file or longer than a limit; and TOML from anywhere."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_TOML = 16 << 20  # bytes: 100000 devices take less
MAX_DEPTH = 32  # tables and arrays of TOML inside each other
_MAX_BITS = 64  # of a whole number, as TOML says


def read_bytes(path: Path, limit: int) -> bytes:
    """OSError or ValueError say why not. limit: bytes. A pipe is not waited for, and what is longer is not read."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("it is no regular file")
        data = file.read(limit + 1) if found.st_size <= limit else b""
    if max(len(data), found.st_size) > limit:
        raise ValueError(f"it is longer than {limit} bytes")
    return data


def read_text(path: Path, limit: int, encoding: str = "utf-8") -> str:
    """As read_bytes."""
    return read_bytes(path, limit).decode(encoding)


def toml(text: str) -> dict[str, Any]:
    """ValueError where it is none, is nested deeper than MAX_DEPTH, or holds a number that TOML does not have."""
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise _too_deep() from None
    level: list[Any] = [table]
    for _ in range(MAX_DEPTH):
        level = [value for item in level for value in (item.values() if isinstance(item, dict) else item)]
        if any(isinstance(value, int) and value.bit_length() > _MAX_BITS for value in level):
            raise ValueError(f"it holds a whole number of more than {_MAX_BITS} bits")
        level = [value for value in level if isinstance(value, (dict, list))]
        if not level:
            return table
    raise _too_deep()


def _too_deep() -> ValueError:
    return ValueError(f"it is nested too deep: more than {MAX_DEPTH} tables and arrays inside each other")
