"""A histogram of values whose range is not known beforehand, in constant memory and independent of the order of the values.

Bins are [i w, (i + 1) w) with w a power of two. When a value falls outside the space, w doubles and pairs of bins merge
exactly, so the counts are always what one pass with the final width would have given.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edgeq_host.graph import Array

Float64 = NDArray[np.float64]
_FINEST, _COARSEST = -140, 128  # exponents of w: below the smallest float32 times bins, above the largest


class Histogram:
    def __init__(self, bins: int) -> None:
        self._bins = bins
        self._exponent = _FINEST
        self._first = 0  # index of the first bin in units of w
        self._counts = np.zeros(0, np.int64)
        self.lo, self.hi = math.inf, -math.inf

    def add(self, values: Array) -> None:
        self.lo, self.hi = min(self.lo, float(values.min())), max(self.hi, float(values.max()))
        while self._span() > self._bins:
            self._coarsen()
        first, last = self._ends()
        grown = np.zeros(last - first + 1, np.int64)
        if self._counts.size:
            grown[self._first - first : self._first - first + self._counts.size] = self._counts
        index = np.floor(values.astype(np.float64) * 2.0**-self._exponent).astype(np.int64) - first
        self._counts, self._first = grown + np.bincount(index, minlength=grown.size), first

    def counts(self) -> NDArray[np.int64]:
        return self._counts

    def edges(self) -> Float64:
        return np.arange(self._first, self._first + self._counts.size + 1).astype(np.float64) * self.width

    def centres(self) -> Float64:
        """Middle of every bin; the two outer bins reach only to the extreme values."""
        edges = np.clip(self.edges(), self.lo, self.hi)
        return (edges[:-1] + edges[1:]) / 2

    @property
    def width(self) -> float:
        return float(2.0**self._exponent)

    def _index(self, value: float) -> int:
        return math.floor(value * 2.0**-self._exponent)

    def _ends(self) -> tuple[int, int]:
        """First and last bin; 0 is always inside, so that no index is larger than the number of bins."""
        return self._index(min(self.lo, 0.0)), self._index(max(self.hi, 0.0))

    def _span(self) -> int:
        first, last = self._ends()
        return last - first + 1

    def _coarsen(self) -> None:
        """Double w. Before the first values there is nothing to merge, and w starts just fine enough."""
        if not self._counts.size:
            while self._exponent < _COARSEST and self._span() > self._bins:
                self._exponent += 1
            return
        start = self._first & 1
        padded = np.concatenate([np.zeros(start, np.int64), self._counts])
        padded = np.concatenate([padded, np.zeros(padded.size & 1, np.int64)])
        self._counts = padded[0::2] + padded[1::2]
        self._first >>= 1
        self._exponent += 1
