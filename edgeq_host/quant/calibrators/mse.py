"""MSE: the range whose int8 quantization changes the values least in the mean square, searched on a histogram.

Each end is shrunk in turn over a grid of fractions of the extreme, twice; min-max is the start, so the result is never worse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq_host.errors import UsageError
from edgeq_host.graph import Array
from edgeq_host.quant.affine import affine
from edgeq_host.quant.histogram import Histogram

_ROUNDS = 2


@dataclass(frozen=True)
class Options:
    steps: int = 100
    bins: int = 8192

    def __post_init__(self) -> None:
        if not (isinstance(self.steps, int) and 2 <= self.steps <= 10000):
            raise UsageError(f"steps must be a whole number from 2 to 10000, found {self.steps}", "for example 100")
        if not (isinstance(self.bins, int) and 256 <= self.bins <= 1 << 20):
            raise UsageError(f"bins must be a whole number from 256 to {1 << 20}, found {self.bins}", "for example 8192")


class Observer:
    def __init__(self, options: Options) -> None:
        self._steps = options.steps
        self._histogram = Histogram(options.bins)

    def observe(self, values: Array) -> None:
        self._histogram.add(values)

    def range(self) -> tuple[float, float]:
        used = self._histogram.counts() > 0
        values, weights = self._histogram.centres()[used], self._histogram.counts()[used].astype(np.float64)
        fractions = np.linspace(1.0, 1.0 / self._steps, self._steps)
        low, high = min(self._histogram.lo, 0.0), max(self._histogram.hi, 0.0)
        best_low, best_high = low, high
        for _ in range(_ROUNDS):
            best_high = min((high * f for f in fractions), key=lambda hi: error(values, weights, best_low, hi))
            best_low = min((low * f for f in fractions), key=lambda lo: error(values, weights, lo, best_high))
        return min((low, high), (best_low, best_high), key=lambda r: error(values, weights, *r))


def error(values: Array, weights: Array, lo: float, hi: float) -> float:
    """Sum of squared changes by the int8 quantization of [lo, hi], which widens and rounds as a tensor's does."""
    a = affine(lo, hi)
    q = np.clip(np.rint(values / a.scale) + a.zero, -128, 127)
    # cumsum adds in order; sum may not, and then the range could depend on the machine
    return float(np.cumsum(weights * (a.scale * (q - a.zero) - values) ** 2)[-1])
