"""Min-max: the range holds every value seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgeq_host.graph import Array


@dataclass(frozen=True)
class Options:
    pass


class Observer:
    def __init__(self, options: Options) -> None:
        self._lo, self._hi = math.inf, -math.inf

    def observe(self, values: Array) -> None:
        self._lo = min(self._lo, float(values.min()))
        self._hi = max(self._hi, float(values.max()))

    def range(self, levels: int) -> tuple[float, float]:
        return self._lo, self._hi
