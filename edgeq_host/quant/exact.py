"""Linear algebra in float64 that gives the same bits on every machine.

A BLAS adds in an order of its own, so its result is used only where every partial sum is exact: whole numbers below 2^53.
Everything else is done element by element, one rounding each.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

MANTISSA = 53
_BLOCK = 128
_SLICES = 3  # of each factor: with a block of inputs 69 bits of the largest number in a row, more than float64 has


def total(values: Float64, axis: int = -1) -> Float64:
    """The sum along an axis, added in order."""
    if values.shape[axis] == 0:
        return np.zeros(np.delete(values.shape, axis))
    return np.asarray(np.take(np.cumsum(values, axis=axis), -1, axis=axis))


def product(a: Float64, b: Float64) -> Float64:
    """a @ b, about as exact as float64. Each factor is cut into slices whose products a BLAS adds without rounding."""
    bits = (MANTISSA - max(a.shape[1], 1).bit_length()) // 2
    left, right = _slices(a, bits, 1), _slices(b, bits, 0)
    pairs = [(i, j) for i in range(_SLICES) for j in range(_SLICES) if i + j < _SLICES]
    made = np.zeros((a.shape[0], b.shape[1]))
    for i, j in sorted(pairs, key=sum, reverse=True):  # the smallest first
        made += left[i] @ right[j]
    return made


def _slices(a: Float64, bits: int, axis: int) -> list[Float64]:
    """Parts that add up to a; along `axis` each holds multiples of one power of two, below 2^bits of it."""
    _, exponent = np.frexp(np.abs(a).max(axis=axis, keepdims=True, initial=0.0))
    parts = []
    for i in range(_SLICES):
        unit = np.ldexp(1.0, exponent - bits * (i + 1))
        part = np.rint(a / unit) * unit
        parts.append(part)
        a = a - part
    return parts


def factor(h: Float64) -> tuple[Float64, Float64]:
    """U and D of a symmetric positive definite h = U diag(D) U^T, U upper triangular with ones on its diagonal."""
    h, n = h.copy(), len(h)
    upper, diagonal = np.eye(n), np.empty(n)
    for end in range(n, 0, -_BLOCK):
        start = max(0, end - _BLOCK)
        for j in range(end - 1, start - 1, -1):
            diagonal[j] = h[j, j]
            upper[:j, j] = h[:j, j] / diagonal[j]
            h[:j, start:j] -= (upper[:j, j] * diagonal[j])[:, None] * upper[start:j, j]
        done = upper[:start, start:end]
        if start:
            h[:start, :start] -= product(done * diagonal[start:end], done.T)
    return upper, diagonal
