"""How constants of less than a byte lie in a file (SPEC.md 3.2): element after element, from the lowest bits of each byte on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgeq_runtime import lists

Int8 = NDArray[np.int8]
SIGNS = "b1"  # a bit of 1 stands for -1


def bounds(dtype: str) -> tuple[int, int]:
    """The lowest and the highest integer of a type of at most 8 bits; of b1: -1 and 1, with nothing between."""
    bits = lists.qtypes()[dtype].bits
    return (-1, 1) if dtype == SIGNS else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def packed_bytes(count: int, dtype: str) -> int:
    """Of a constant of so many elements."""
    return (count * lists.qtypes()[dtype].bits + 7) // 8


def pack(values: ArrayLike, dtype: str) -> bytes:
    """The elements of an array of integers in row-major order, packed. ValueError for one that the type does not have."""
    flat = np.asarray(values, np.int64).reshape(-1)
    low, high = bounds(dtype)
    wrong = flat[(flat < low) | (flat > high) | ((flat == 0) if dtype == SIGNS else np.zeros(flat.shape, bool))]
    if wrong.size:
        raise ValueError(f"{int(wrong[0])} is no {dtype}: {low} to {high}{' without 0' if dtype == SIGNS else ''}")
    bits = lists.qtypes()[dtype].bits
    fields = (flat < 0).astype(np.uint8) if dtype == SIGNS else (flat & ((1 << bits) - 1)).astype(np.uint8)
    per_byte = 8 // bits
    rows = np.zeros((packed_bytes(flat.size, dtype), per_byte), np.uint8)
    rows.reshape(-1)[: flat.size] = fields
    return bytes(np.bitwise_or.reduce(rows << (np.arange(per_byte, dtype=np.uint8) * np.uint8(bits)), axis=1))


def unpack(data: bytes, shape: tuple[int, ...], dtype: str) -> Int8:
    """The integers that pack() was given. ValueError where there are not as many bytes as the shape takes."""
    count = int(np.prod(shape, dtype=np.int64))
    if len(data) != packed_bytes(count, dtype):
        raise ValueError(f"{list(shape)} of {dtype} takes {packed_bytes(count, dtype)} bytes, found {len(data)}")
    bits = lists.qtypes()[dtype].bits
    places = np.arange(8 // bits, dtype=np.uint8) * np.uint8(bits)
    fields: NDArray[Any] = (np.frombuffer(data, np.uint8)[:, None] >> places) & np.uint8((1 << bits) - 1)
    flat = fields.reshape(-1)[:count].astype(np.int8)
    if dtype == SIGNS:
        return np.asarray(1 - 2 * flat, np.int8).reshape(shape)
    sign = 1 << (bits - 1)
    return np.asarray((flat ^ sign) - sign, np.int8).reshape(shape)


def unpack_rows(data: bytes, shape: tuple[int, ...]) -> Int8:
    """The signs of an activation: its last axis lies in whole words of 32 bits. ValueError where there are more or fewer of them."""
    row = shape[-1] if shape else 1
    count, words = int(np.prod(shape, dtype=np.int64)) // row, -(-row // 32)
    if len(data) != 4 * count * words:
        raise ValueError(f"{list(shape)} of {SIGNS} takes {4 * count * words} bytes, found {len(data)}")
    return unpack(data, (count, 32 * words), SIGNS)[:, :row].reshape(shape)
