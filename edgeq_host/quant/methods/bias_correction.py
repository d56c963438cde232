"""Bias correction: what rounding the weights shifts a channel's output by in the mean is taken out of its bias."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq_host.quant.exact import total
from edgeq_host.quant.layer import Layer
from edgeq_host.quant.options import StepOptions

STAGE = "bias"
COLLECTS = "means"


@dataclass(frozen=True)
class Options(StepOptions):
    pass


def apply(layer: Layer, options: Options) -> None:
    expected = None if layer.seen is None else layer.seen.expected()
    if expected is not None:
        layer.shift = total(layer.error * expected)
