"""Percentile of the values: the range from the (100 - percentile)th to the percentile-th, found in a histogram.

At least the extreme 100 - percentile percent on each side are clipped; 100 is min-max.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq_host.errors import UsageError
from edgeq_host.graph import Array
from edgeq_host.quant.histogram import Histogram
from edgeq_host.quant.options import whole


@dataclass(frozen=True)
class Options:
    percentile: float = 99.99
    bins: int = 8192

    def __post_init__(self) -> None:
        if not 50 < self.percentile <= 100:
            raise UsageError(f"percentile must lie in (50, 100], found {self.percentile}", "for example 99.99")
        whole("bins", self.bins, 256, 1 << 20, 8192)


class Observer:
    def __init__(self, options: Options) -> None:
        self._share = options.percentile / 100
        self._histogram = Histogram(options.bins)

    def observe(self, values: Array) -> None:
        self._histogram.add(values)

    def range(self, levels: int) -> tuple[float, float]:
        return self._quantile(1 - self._share), self._quantile(self._share)

    def _quantile(self, share: float) -> float:
        """Linear inside the bin; the bin's width is the error's bound."""
        counts, edges = self._histogram.counts(), self._histogram.edges()
        below = np.concatenate([[0], np.cumsum(counts)])
        place = share * float(below[-1])
        i = int(np.clip(np.searchsorted(below, place, side="left") - 1, 0, counts.size - 1))
        inside = (place - float(below[i])) / max(float(counts[i]), 1.0)
        value = float(edges[i]) + inside * self._histogram.width
        return min(max(value, self._histogram.lo), self._histogram.hi)
