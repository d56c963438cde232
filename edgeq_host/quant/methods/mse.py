"""MSE: the step of a channel, or of each group of it, with which rounding changes the weights least in the mean square.

Shares of the widest range are tried, which is among them, so the result is never worse; the best is refined to the step that fits
its integers best (least squares) as long as that gains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq_host.quant.exact import total
from edgeq_host.quant.layer import Float64, Layer, nearest, parts
from edgeq_host.quant.options import StepOptions, whole
from edgeq_host.quant.precision import Kind

STAGE = "ranges"
COLLECTS = ""
_REFINE = 4


@dataclass(frozen=True)
class Options(StepOptions):
    steps: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("steps", self.steps, 2, 10000, 100)


def apply(layer: Layer, options: Options) -> None:
    for group, place in enumerate(parts(layer.columns)):
        layer.ranges[:, group] = best(layer.real[:, place], layer.ranges[:, group], layer.kind, options.steps)


def best(rows: Float64, widest: Float64, kind: Kind, steps: int) -> Float64:
    """One step per row."""
    found, least = widest, error(rows, widest, kind)
    for share in np.linspace(1.0, 1.0 / steps, steps)[1:]:
        found, least = _better(rows, widest * share, kind, found, least)
    for _ in range(_REFINE):
        q = nearest(rows, found[:, None], kind)
        fit, size = total(rows * q), total((q * q).astype(np.float64))
        found, least = _better(rows, np.where(fit > 0, fit / np.maximum(size, 1), found), kind, found, least)
    return found


def _better(rows: Float64, step: Float64, kind: Kind, found: Float64, least: Float64) -> tuple[Float64, Float64]:
    change = error(rows, step, kind)
    return np.where(change < least, step, found), np.minimum(change, least)


def error(rows: Float64, step: Float64, kind: Kind) -> Float64:
    """Sum of squared changes of each row."""
    return total((rows - step[:, None] * nearest(rows, step[:, None], kind)) ** 2)
