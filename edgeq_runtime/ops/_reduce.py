"""Reduction over a set of axes, element by element in row-major order of the reduced axes (SPEC.md 2.3)."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array


def axes_of(mask: int, rank: int) -> tuple[int, ...]:
    """Bit i set: axis i is reduced."""
    return tuple(i for i in range(rank) if mask >> i & 1)


def gather(x: Array, mask: int) -> Array:
    """The reduced axes, in order, as one last axis."""
    axes = axes_of(mask, x.ndim)
    kept = [i for i in range(x.ndim) if i not in axes]
    return np.transpose(x, [*kept, *axes]).reshape(*(x.shape[i] for i in kept), -1)


def largest(x: Array) -> Array:
    """v > best ? v : best along the last axis from -infinity: NaN is never taken, of equal zeros the first is."""
    best = np.full(x.shape[:-1], -np.inf, np.float32)
    for v in np.moveaxis(x, -1, 0):
        best = np.where(v > best, v, best)
    return best
