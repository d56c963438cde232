"""Damage to files, from a seed."""

from __future__ import annotations

import struct

import numpy as np

WORDS = (0, 1, 4, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF)


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """A copy with one to eight changes: bytes, words (often those that mean trouble), pieces moved, or the end cut off."""
    found = bytearray(data)
    for _ in range(int(rng.integers(1, 9))):
        _change(found, rng)
    return bytes(found)


def _change(data: bytearray, rng: np.random.Generator) -> None:
    kind, at = int(rng.integers(0, 8)), _place(len(data), rng)
    if kind <= 2:
        data[at] = int(rng.integers(0, 256))
    elif kind <= 4:
        at = min(at, len(data) - 4) & ~3
        struct.pack_into("<I", data, at, int(rng.choice(WORDS)))
    elif kind == 5:
        at = min(at, len(data) - 4) & ~3
        (old,) = struct.unpack_from("<I", data, at)
        struct.pack_into("<I", data, at, (old + int(rng.integers(-16, 17))) % 2**32)
    elif kind == 6:
        source, size = _place(len(data), rng), int(rng.integers(1, 64))
        piece = data[source : source + size]
        data[at : at + len(piece)] = piece[: len(data) - at]
    elif rng.integers(0, 8) == 0 and len(data) > 64:
        del data[max(at, 64) :]


def _place(size: int, rng: np.random.Generator) -> int:
    """Half of the places near an end of the file, where its tables are, the rest anywhere."""
    near = int(rng.integers(0, min(size, 4096)))
    return (near, size - 1 - near, int(rng.integers(0, size)), int(rng.integers(0, size)))[int(rng.integers(0, 4))]
