"""What every table of cases uses: the Case, fills, and quantization parameters at their extremes."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgeq_runtime.ops import DTYPES
from edgeq_runtime.rounding import multiplier, pack_rq

Array = np.ndarray[Any, Any]
Rng = np.random.Generator


@dataclass(frozen=True)
class Case:
    """One operator with its inputs. `constant`: which inputs lie in the file; at least one must not. `stored`: the types of those that are
    stored in less than a byte."""

    label: str
    attrs: dict[str, Any]
    inputs: tuple[Array, ...]
    shape: tuple[int, ...]
    dtype: str = "s8"
    constant: tuple[int, ...] = ()
    stored: dict[int, str] = field(default_factory=dict)


Cases = Iterator[Case]
Table = dict[str, Callable[[Rng], Cases]]

ZEROS = (-128, 0, 127, 3, -77)
LIMITS = ((-128, 127), (-10, 25), (-128, -128), (0, 127), (-50, 99), (-3, 90))
# The ends of both, and what lies beside n = 1, where shifting changes direction.
LEAST, MOST = 1 << 30, (1 << 31) - 1
SHORT_N = (2, 22)  # where every channel of a group lies in it, the 16-channel kernels (avx512.h) requantize a shorter way
M_N = ((0, 1), (LEAST, 31), (MOST, 31), (LEAST, -22), (MOST, -22), (LEAST, 1), (MOST, 1), (LEAST, 0), (1518500250, 2))
FILLS_S8 = ("random", "low", "high", "ends")
TINY = (1e-45, -1e-45, 1.1754942e-38, -1.1754944e-38)
SPECIALS = np.array(
    [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 88.7, -103.9, *TINY, 3.4028235e38, -3.4028235e38], np.float32
)
FILLS_F32 = ("random", "wide", "small", "special")


def rng_of(name: str) -> Rng:
    """The same numbers on every run, other numbers for every name."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def fill_s8(rng: Rng, shape: tuple[int, ...], kind: str) -> Array:
    if kind in ("low", "high"):
        return np.full(shape, -128 if kind == "low" else 127, np.int8)
    if kind == "ends":
        return rng.choice(np.array([-128, 127], np.int8), shape)
    return rng.integers(-128, 128, shape, np.int8)


def fill_s16(rng: Rng, shape: tuple[int, ...], kind: str) -> Array:
    if kind in ("low", "high"):
        return np.full(shape, -32768 if kind == "low" else 32767, np.int16)
    if kind == "ends":
        return rng.choice(np.array([-32768, 32767], np.int16), shape)
    return rng.integers(-32768, 32768, shape, np.int16)


def fill_f32(rng: Rng, shape: tuple[int, ...], kind: str) -> Array:
    if kind == "special":
        return np.where(rng.random(shape) < 0.3, rng.choice(SPECIALS, shape), rng.normal(0, 3, shape)).astype(np.float32)
    if kind == "wide":
        return (rng.normal(0, 1, shape) * 2.0 ** rng.integers(-60, 60, shape)).astype(np.float32)
    if kind == "small":
        return (rng.normal(0, 1, shape) * 2.0 ** rng.integers(-149, -120, shape)).astype(np.float32)
    return rng.normal(0, 3, shape).astype(np.float32)


def fill_any(rng: Rng, shape: tuple[int, ...], dtype: str) -> Array:
    """Any bits of a type: for operators that move bytes."""
    kind = np.dtype(DTYPES[dtype])
    words = rng.integers(0, 256, (*shape, kind.itemsize), np.uint8)
    data = np.ascontiguousarray(words).view(kind).reshape(shape)
    return np.where(np.isnan(data), np.float32(7), data) if dtype == "f32" else data


def pick(rng: Rng, values: tuple[Any, ...]) -> Any:
    return values[int(rng.integers(len(values)))]


def scalar_mn(rng: Rng, bound: float) -> tuple[int, int]:
    """m, n that bring accumulators of about `bound` into int8, often a power of two (many ties), or now and then an extreme pair."""
    if rng.random() < 0.2:
        m, n = pick(rng, M_N)
        return m, n
    factor = float(rng.uniform(20, 200)) / max(1.0, bound)
    return multiplier(2.0 ** math.floor(math.log2(factor)) if rng.random() < 0.3 else factor)


def dot_spread(a: Array, a_zero: int, b: Array, b_zero: int, length: int) -> float:
    """About the size of an accumulator over `length` products."""
    x, y = a.astype(np.float64) - a_zero, b.astype(np.float64) - b_zero
    walk = math.sqrt(length) * max(x.std(), abs(x.mean())) * y.std()
    return float(max(walk, length * abs(x.mean() * y.mean()), 1.0))


def channel_blob(rng: Rng, channels: int, bound: float, bias_bound: float) -> Array:
    """Channel parameters: every channel for itself, as scalar_mn. In every other blob all n lie within SHORT_N: one extreme pair among
    16 channels would keep them off the short way."""
    pairs = [scalar_mn(rng, bound) for _ in range(channels)]
    if rng.random() < 0.5:
        pairs = [(m, min(max(n, SHORT_N[0]), SHORT_N[1])) for m, n in pairs]
    limit = int(min(bias_bound, 1 << 30))
    bias = rng.integers(-limit, limit + 1, channels)
    return pack_rq(bias, [m for m, _ in pairs], [n for _, n in pairs])


def f32_limits(rng: Rng) -> dict[str, float]:
    lo, hi = pick(rng, ((-np.inf, np.inf), (0.0, 6.0), (-1.5, 2.25), (0.0, np.inf), (-0.0, 0.0)))
    return {"lo": float(lo), "hi": float(hi)}


def s8_limits(rng: Rng) -> dict[str, int]:
    lo, hi = LIMITS[0] if rng.random() < 0.7 else pick(rng, LIMITS)
    return {"lo": lo, "hi": hi}
