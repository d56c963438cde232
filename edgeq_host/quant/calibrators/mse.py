"""MSE: the range whose quantization changes the values least in the mean square, searched on a histogram.

Each end is shrunk in turn over a grid of fractions of the extreme, twice; min-max is the start, so the result is never worse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq_host.graph import Array
from edgeq_host.quant.affine import Affine, affine
from edgeq_host.quant.histogram import Histogram
from edgeq_host.quant.options import whole

_ROUNDS = 2


@dataclass(frozen=True)
class Options:
    steps: int = 100
    bins: int = 8192

    def __post_init__(self) -> None:
        whole("steps", self.steps, 2, 10000, 100)
        whole("bins", self.bins, 256, 1 << 20, 8192)


class Observer:
    def __init__(self, options: Options) -> None:
        self._steps = options.steps
        self._histogram = Histogram(options.bins)

    def observe(self, values: Array) -> None:
        self._histogram.add(values)

    def range(self, levels: int) -> tuple[float, float]:
        used = self._histogram.counts() > 0
        values, weights = self._histogram.centres()[used], self._histogram.counts()[used].astype(np.float64)
        fractions = np.linspace(1.0, 1.0 / self._steps, self._steps)
        low, high = min(self._histogram.lo, 0.0), max(self._histogram.hi, 0.0)
        best_low, best_high = low, high

        def change(lo: float, hi: float) -> float:
            return error(values, weights, affine(lo, hi, levels))

        for _ in range(_ROUNDS):
            best_high = min((high * f for f in fractions), key=lambda hi: change(best_low, hi))
            best_low = min((low * f for f in fractions), key=lambda lo: change(lo, best_high))
        return min((low, high), (best_low, best_high), key=lambda r: change(*r))


def error(values: Array, weights: Array, at: Affine) -> float:
    """Sum of squared changes by a quantization."""
    q = np.clip(np.rint(values / at.scale) + at.zero, at.lowest, at.highest)
    # cumsum adds in order; sum may not, and then the range could depend on the machine
    return float(np.cumsum(weights * (at.scale * (q - at.zero) - values) ** 2)[-1])
