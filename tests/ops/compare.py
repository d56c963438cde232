"""Comparison of arrays byte by byte."""

from __future__ import annotations

import numpy as np

from tests.ops.cases.base import Array


def stored(value: Array) -> bytes:
    """The bytes of an array, every NaN as the same one: IEEE 754 leaves sign and payload of a result open."""
    if value.dtype == np.float32:
        value = np.where(np.isnan(value), np.float32(np.nan), value)
    return np.ascontiguousarray(value).tobytes()


def difference(want: Array, got: Array) -> str | None:
    """None where shape, type and bytes are equal; else where they first differ."""
    if (want.shape, want.dtype) != (got.shape, got.dtype):
        return f"expected {want.dtype} {want.shape}, found {got.dtype} {got.shape}"
    if stored(want) == stored(got):
        return None
    size = want.dtype.itemsize
    a, b = (np.frombuffer(stored(v), np.uint8).reshape(-1, size) for v in (want, got))
    places = np.flatnonzero((a != b).any(axis=1))
    first = np.unravel_index(places[0], want.shape)
    at = tuple(int(i) for i in first)
    return f"{len(places)} of {want.size} differ, first at {at}: expected {want[first]!r}, found {got[first]!r}"
