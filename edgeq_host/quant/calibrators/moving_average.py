"""Moving average: lo and hi follow the minimum and maximum of each sample, value = momentum value + (1 - momentum) sample.

The first sample starts them. One outlier counts little; the order of the samples matters.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgeq_host.errors import UsageError
from edgeq_host.graph import Array


@dataclass(frozen=True)
class Options:
    momentum: float = 0.9

    def __post_init__(self) -> None:
        if not 0 <= self.momentum < 1:
            raise UsageError(f"momentum must lie in [0, 1), found {self.momentum}", "for example 0.9")


class Observer:
    def __init__(self, options: Options) -> None:
        self._momentum = options.momentum
        self._range: tuple[float, float] | None = None

    def observe(self, values: Array) -> None:
        lo, hi = float(values.min()), float(values.max())
        if self._range is not None:
            keep, take = self._momentum, 1 - self._momentum
            lo, hi = keep * self._range[0] + take * lo, keep * self._range[1] + take * hi
        self._range = lo, hi

    def range(self, levels: int) -> tuple[float, float]:
        assert self._range is not None, "no sample was observed"
        return self._range
