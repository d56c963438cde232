"""Quantized numbers, exactly as SPEC.md 1.1 and 1.2 say: requantization, multipliers, quantize, dequantize, the channel blob."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Int64 = NDArray[np.int64]

N_MIN, N_MAX = -22, 31
WIDE_N_MIN = -15  # where sums have 64 bits
BYTES_PER_CHANNEL = 9  # bias 4, m 4, n 1


def requantize(acc: ArrayLike, m: ArrayLike, n: ArrayLike) -> Int64:
    """floor(acc m 2^-(31+n) + 1/2), int64, broadcast. |acc| <= 2^31 and m < 2^31 keep every step below 2^63, whatever n."""
    shift = np.asarray(n, np.int64) + 31
    half = np.int64(1) << (shift - 1)
    return np.asarray((np.asarray(acc, np.int64) * np.asarray(m, np.int64) + half) >> shift, np.int64)


def requantize_wide(acc: ArrayLike, m: ArrayLike, n: ArrayLike) -> Int64:
    """The same for |acc| < 2^47: acc = high 2^16 + low keeps every step below 2^63."""
    a, factor, shift = (np.asarray(v, np.int64) for v in (acc, m, n))
    high, low = a >> 16, a & 0xFFFF
    return np.asarray((high * factor + ((low * factor + (np.int64(1) << (shift + 30))) >> 16)) >> (shift + 15), np.int64)


def multiplier(factor: float, n_min: int = N_MIN) -> tuple[int, int]:
    """(m, n) with factor = m 2^-(31+n), n at least n_min. ValueError where factor is not in [0, 2^-n_min)."""
    if not 0.0 <= factor < 2.0**-n_min:
        raise ValueError(f"a requantization factor must lie in [0, 2^{-n_min}), found {factor!r}")
    if factor < 2.0**-32:
        return 0, 1
    fraction, exponent = math.frexp(factor)
    m, n = math.floor(fraction * 2.0**31 + 0.5), -exponent
    if m == 1 << 31:
        m, n = 1 << 30, n - 1
    if n < n_min:
        raise ValueError(f"a requantization factor must lie in [0, 2^{-n_min}), found {factor!r}, which rounds to 2^{-n_min}")
    return m, n


def multipliers(factors: ArrayLike) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """multiplier() of every element of a vector."""
    pairs = [multiplier(float(f)) for f in np.asarray(factors, np.float64)]
    return np.array([m for m, _ in pairs], np.int32), np.array([n for _, n in pairs], np.int8)


def quantize(x: ArrayLike, scale: float, zero: int) -> NDArray[np.int8]:
    """float32 to int8: clamp(zero + rint(x / scale)), one float32 division, NaN gives zero."""
    return np.asarray(np.clip(_steps(x, scale, 256) + int(zero), -128, 127), np.int8)


def quantize_s16(x: ArrayLike, scale: float) -> NDArray[np.int16]:
    """float32 to int16: clamp(rint(x / scale)), one float32 division, NaN gives 0."""
    return np.asarray(np.clip(_steps(x, scale, 65536), -32768, 32767), np.int16)


def _steps(x: ArrayLike, scale: float, most: int) -> NDArray[np.int32]:
    with np.errstate(all="ignore"):
        steps = np.rint(np.asarray(x, np.float32) / np.float32(scale))
    return np.asarray(np.where(np.isnan(steps), np.float32(0), np.clip(steps, -most, most)), np.int32)


def dequantize(q: ArrayLike, scale: float, zero: int) -> NDArray[np.float32]:
    """Integers to float32: float32(q - zero) * scale."""
    with np.errstate(all="ignore"):
        return np.asarray((np.asarray(q, np.int32) - int(zero)).astype(np.float32) * np.float32(scale), np.float32)


def pack_rq(bias: ArrayLike, m: ArrayLike, n: ArrayLike) -> NDArray[np.uint8]:
    """The channel parameters of O output channels as they lie in the file: u8 [9 O]."""
    parts = (np.asarray(bias, "<i4"), np.asarray(m, "<i4"), np.asarray(n, "i1"))
    if len({p.shape for p in parts}) != 1 or parts[0].ndim != 1:
        raise ValueError(f"bias, m and n must be vectors of one length, found shapes {[p.shape for p in parts]}")
    return np.frombuffer(b"".join(p.tobytes() for p in parts), np.uint8)


def unpack_rq(blob: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int8]]:
    """bias, m, n of a blob that pack_rq made."""
    channels, rest = divmod(blob.size, BYTES_PER_CHANNEL)
    if rest:
        raise ValueError(f"a channel blob has {BYTES_PER_CHANNEL} bytes a channel, found {blob.size} bytes")
    data = np.ascontiguousarray(blob, np.uint8).tobytes()
    words = np.frombuffer(data[: 8 * channels], "<i4").astype(np.int32)
    return words[:channels], words[channels:], np.frombuffer(data[8 * channels :], np.int8)
