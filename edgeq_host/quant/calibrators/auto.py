"""As wide as the activation is: min-max for 8 and 16 bits, percentile for 4, MSE for 2, which lost least where it was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgeq_host.graph import Array
from edgeq_host.quant import calibrators
from edgeq_host.quant.affine import LEVELS
from edgeq_host.quant.precision import ACTIVATIONS


@dataclass(frozen=True)
class Options:
    percentile: float = 99.9
    steps: int = 100
    bins: int = 8192

    def __post_init__(self) -> None:
        for method, values in self.of().items():
            calibrators.options(method, values)

    def of(self) -> dict[str, dict[str, Any]]:
        """The methods that are chosen from, with their options."""
        mse = {"steps": self.steps, "bins": self.bins}
        return {"minmax": {}, "percentile": {"percentile": self.percentile, "bins": self.bins}, "mse": mse}


class Observer:
    def __init__(self, options: Options) -> None:
        self._methods = {method: calibrators.make(method, values) for method, values in options.of().items()}

    def observe(self, values: Array) -> None:
        for each in self._methods.values():
            each.observe(values)

    def range(self, levels: int) -> tuple[float, float]:
        method = "minmax" if levels >= LEVELS else "percentile" if levels >= ACTIVATIONS[4] else "mse"
        return self._methods[method].range(levels)
