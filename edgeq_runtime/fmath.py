"""exp, sigmoid, tanh and pow of float32 arrays, bit for bit those of csrc/eq_math.h (SPEC.md 2.4). No NaN's payload is promised."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

LN2 = float.fromhex("0x1.62e42fefa39efp-1")
LOG2E = float.fromhex("0x1.71547652b82fep+0")
ROUNDER = float.fromhex("0x1.8p52")  # adding it rounds to an integer, which then lies in the low bits
THIRD = float.fromhex("0x1.5555555555555p-2")
SQRT_HALF = np.uint64(0x3FE6A09E667F3BCD)
EXPONENT = np.uint64(0xFFF0000000000000)

_EXP = [float.fromhex(c) for c in (
    "0x1.27e4fb7789f5cp-22", "0x1.71de3a556c734p-19", "0x1.a01a01a01a01ap-16", "0x1.a01a01a01a01ap-13", "0x1.6c16c16c16c17p-10",
    "0x1.1111111111111p-7", "0x1.5555555555555p-5", "0x1.5555555555555p-3", "0x1p-1", "1", "1",
)]  # fmt: skip
_LOG = [float.fromhex(c) for c in (
    "0x1.e1e1e1e1e1e1ep-5", "0x1.1111111111111p-4", "0x1.3b13b13b13b14p-4", "0x1.745d1745d1746p-4", "0x1.c71c71c71c71cp-4",
    "0x1.2492492492492p-3", "0x1.999999999999ap-3", "0x1.5555555555555p-2", "1",
)]  # fmt: skip


def _double(x: ArrayLike) -> Float64:
    return np.asarray(x, np.float32).astype(np.float64)


def _bits(x: Float64) -> NDArray[np.uint64]:
    return np.ascontiguousarray(x).view(np.uint64).reshape(x.shape)


def _of_bits(bits: NDArray[np.uint64]) -> Float64:
    return np.ascontiguousarray(bits).view(np.float64).reshape(bits.shape)


def _polynomial(coefficients: list[float], x: Float64) -> Float64:
    p = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        p = p * x + c
    return p


def _exp(x: Float64) -> Float64:
    x = np.where(x < -200.0, -200.0, x)
    x = np.where(x > 200.0, 200.0, x)
    shifted = np.asarray(x * LOG2E + ROUNDER)
    r = x - (shifted - ROUNDER) * LN2
    return _polynomial(_EXP, r) * _of_bits((_bits(shifted) + np.uint64(1023)) << np.uint64(52))


def _log(x: Float64) -> Float64:
    """Right for positive, finite, normal x; anything for the rest."""
    bits = _bits(x)
    above = bits - SQRT_HALF
    e = above.view(np.int64) >> 52
    f = _of_bits(bits - (above & EXPONENT))
    s = (f - 1.0) / (f + 1.0)
    return e * LN2 + (s + s) * _polynomial(_LOG, s * s)


def _single(x: Any) -> Float32:
    return np.asarray(x).astype(np.float32)


@np.errstate(all="ignore")
def exp(x: ArrayLike) -> Float32:
    return _single(_exp(_double(x)))


@np.errstate(all="ignore")
def sigmoid(x: ArrayLike) -> Float32:
    return _single(1.0 / (1.0 + _exp(-_double(x))))


@np.errstate(all="ignore")
def tanh(x: ArrayLike) -> Float32:
    v = _double(x)
    a = np.where(v < 0.0, -v, v)
    e = _exp(-2.0 * a)
    far = (1.0 - e) / (1.0 + e)
    near = v * (1.0 - v * v * THIRD)
    return _single(np.where(a < 2.0**-10, near, np.where(v < 0.0, -far, far)))


@np.errstate(all="ignore")
def pow(x: ArrayLike, y: ArrayLike) -> Float32:
    """x to the power y, broadcast."""
    b, e = np.broadcast_arrays(_double(x), _double(y))
    a, negative = np.abs(b), np.signbit(b)
    whole = np.floor(e) == e  # an infinite exponent counts as even
    odd = whole & np.isfinite(e) & (np.remainder(e, 2.0) == 1.0)
    v = np.where(negative & odd, -1.0, 1.0) * _magnitude(a, e)
    v = np.where(negative & ~whole & (a != 0.0) & np.isfinite(a), np.nan, v)
    v = np.where(np.isnan(b) | np.isnan(e), np.nan, v)
    return _single(np.where((e == 0.0) | (b == 1.0), 1.0, v))


def _magnitude(a: Float64, e: Float64) -> Float64:
    """a to the power e for a >= 0, e not 0, neither of them NaN; SPEC.md 2.4, pow, rule 4."""
    v = _exp(e * _log(a))
    v = np.where(np.isinf(e), np.where((a > 1.0) == (e > 0.0), np.inf, 0.0), v)
    v = np.where(np.isinf(a), np.where(e < 0.0, 0.0, np.inf), v)
    v = np.where(a == 1.0, 1.0, v)
    return np.where(a == 0.0, np.where(e < 0.0, np.inf, 0.0), v)
