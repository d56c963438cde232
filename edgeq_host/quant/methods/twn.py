"""Ternary weights by their mean magnitude: those above 0.7 of it are not 0, and their own mean magnitude is the step.

Of each channel, or each group of it. Other widths are left alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq_host.errors import UsageError
from edgeq_host.quant.exact import total
from edgeq_host.quant.layer import Layer, parts
from edgeq_host.quant.options import StepOptions
from edgeq_host.quant.precision import TERNARY, WEIGHTS

STAGE = "ranges"
COLLECTS = ""


@dataclass(frozen=True)
class Options(StepOptions):
    cut: float = 0.7

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.cut < 1:
            raise UsageError(f"cut must lie between 0 and 1, found {self.cut}", "for example 0.7")


def apply(layer: Layer, options: Options) -> None:
    if layer.kind != WEIGHTS[TERNARY]:
        return
    layer.cuts = np.empty_like(layer.ranges)
    for group, place in enumerate(parts(layer.columns)):
        size = np.abs(layer.real[:, place])
        layer.cuts[:, group] = cut = options.cut * total(size) / size.shape[1]
        kept = size > cut[:, None]
        step = total(np.where(kept, size, 0.0)) / np.maximum(kept.sum(axis=1), 1)
        layer.ranges[:, group] = np.where(step > 0, step, layer.ranges[:, group])
