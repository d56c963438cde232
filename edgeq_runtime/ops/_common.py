"""What the reference operators share: types, and the two ways an output is finished."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgeq_runtime.rounding import requantize, requantize_wide

Array = NDArray[Any]
Attrs = dict[str, Any]  # by field name of ops.def
# numpy's type of each in qtypes.def; what is stored in less than a byte is int8 here.
DTYPES: dict[str, Any] = {
    "f32": np.float32, "s32": np.int32, "s8": np.int8, "u8": np.uint8, "s4": np.int8, "s2": np.int8, "b1": np.int8, "s16": np.int16,
}  # fmt: skip


def wide(q: Array, zero: int) -> NDArray[np.int64]:
    """q - zero without overflow."""
    return q.astype(np.int64) - zero


def clamp_s8(v: Array, lo: int = -128, hi: int = 127) -> Array:
    return np.clip(v, lo, hi).astype(np.int8)


def finish_s8(acc: Array, m: ArrayLike, n: ArrayLike, attrs: Attrs) -> Array:
    """clamp(y_zero + requantize(acc, m, n)); rows without lo and hi clamp to int8."""
    return clamp_s8(attrs["y_zero"] + requantize(acc, m, n), attrs.get("lo", -128), attrs.get("hi", 127))


def clamp_s16(v: Array, lo: int = -32768, hi: int = 32767) -> Array:
    return np.clip(v, lo, hi).astype(np.int16)


def finish_s16(acc: Array, m: ArrayLike, n: ArrayLike, attrs: Attrs) -> Array:
    """clamp(requantize(acc, m, n)) of sums of 64 bits; rows without lo and hi clamp to int16."""
    return clamp_s16(requantize_wide(acc, m, n), attrs.get("lo", -32768), attrs.get("hi", 32767))


def clamp_f32(v: Array, lo: float, hi: float) -> Array:
    """v < lo ? lo : v > hi ? hi : v, so NaN stays."""
    low, high = np.float32(lo), np.float32(hi)
    return np.where(v < low, low, np.where(v > high, high, v)).astype(np.float32)


def sum_f32(v: Array, axis: int) -> Array:
    """One float32 sum along an axis, in increasing order, from +0. (np.sum adds pairwise; accumulate cannot.)"""
    zero = np.zeros_like(np.take(v, [0], axis=axis), np.float32)
    running = np.add.accumulate(np.concatenate([zero, v.astype(np.float32)], axis=axis), axis=axis, dtype=np.float32)
    return np.asarray(np.take(running, -1, axis=axis), np.float32)
