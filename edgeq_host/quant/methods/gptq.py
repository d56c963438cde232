"""GPTQ: weights are rounded input by input, and what rounding one changes is made good by those that are still to come.

It minimises E H E^T for the errors E of a row, H being X X^T of the layer's inputs over the calibration samples.
With H = U D U^T, U upper triangular, the column j is rounded to nearest after the sum over i < j of E_i U_ij has been added to
it; that is the update by the inverse of H in another form, and needs none.
A row whose result is worse than plain rounding is rounded plainly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgeq_host.errors import UsageError
from edgeq_host.quant.exact import factor, product, total
from edgeq_host.quant.layer import Float64, Int64, Layer, nearest
from edgeq_host.quant.options import StepOptions
from edgeq_host.quant.precision import Kind
from edgeq_host.quant.seen import PREFIXES

STAGE = "rounding"
COLLECTS = "moments"
LEAST_DAMPING = 1e-6  # far above what rounding does to H, which stays positive
_BLOCK = 128


@dataclass(frozen=True)
class Options(StepOptions):
    """damping: of the mean of H's diagonal, added to it. act_order: inputs with the most energy first. prefix: whether the inputs are
    those of the float network, quantized, or of the network before the layer as quantized so far."""

    damping: float = 0.01
    act_order: bool = True
    prefix: str = PREFIXES[0]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not LEAST_DAMPING <= self.damping <= 1:
            raise UsageError(f"damping must lie between {LEAST_DAMPING:g} and 1, found {self.damping}", "for example 0.01")
        if self.prefix not in PREFIXES:
            raise UsageError(f"prefix = {self.prefix!r} does not exist", f"choose one of: {', '.join(PREFIXES)}")


def apply(layer: Layer, options: Options) -> None:
    if layer.seen is None:
        return
    moments = layer.seen.moments(options.prefix)
    unit = np.broadcast_to(layer.unit, layer.real.shape)
    rows = len(layer.real) // moments.matrices
    for matrix in range(moments.matrices):
        place = slice(matrix * rows, (matrix + 1) * rows)
        for columns, h in moments.of(matrix):
            within = None if layer.within is None else (layer.within[0][place, columns], layer.within[1][place, columns])
            q = rounded(layer.real[place, columns], unit[place, columns], layer.q[place, columns], h, layer.kind, options, within)
            layer.q[place, columns] = q


def rounded(
    w: Float64, unit: Float64, plain: Int64, h: Float64, kind: Kind, options: Options, within: tuple[Int64, Int64] | None = None
) -> Int64:
    """Integers for rows w of one H. plain: those of rounding each weight by itself. within: as Layer has it."""
    order = np.argsort(-np.diag(h), kind="stable") if options.act_order else np.arange(len(h))
    w, unit, plain, h = w[:, order], unit[:, order], plain[:, order], h[np.ix_(order, order)]
    damping = options.damping * float(total(np.diag(h))) / len(h) or 1.0
    upper, diagonal = factor(h + damping * np.eye(len(h)))
    found = np.empty_like(plain)

    def choose(j: int, values: Float64) -> Float64:
        if within is None:
            found[:, j] = nearest(values, unit[:, j], kind)
        else:
            found[:, j] = np.clip(np.rint(values / unit[:, j]), within[0][:, order[j]], within[1][:, order[j]])
        return np.asarray(unit[:, j] * found[:, j])

    def loss(column: Callable[[int, Float64], Float64]) -> Float64:
        gap, error = _walk(w, upper, column)
        return total(diagonal * gap * gap) - damping * total(error * error)

    better = loss(choose) <= loss(lambda j, _: unit[:, j] * plain[:, j])
    chosen = np.where(better[:, None], found, plain)
    return chosen[:, np.argsort(order, kind="stable")]


def _walk(w: Float64, upper: Float64, column: Callable[[int, Float64], Float64]) -> tuple[Float64, Float64]:
    """Columns in order; `column` gives the real values of one from what it should be. What each misses that by, and misses w by."""
    wanted, error = w.copy(), np.empty_like(w)
    gap = np.empty_like(w)
    for start in range(0, w.shape[1], _BLOCK):
        end = min(start + _BLOCK, w.shape[1])
        for j in range(start, end):
            made = column(j, wanted[:, j])
            gap[:, j], error[:, j] = wanted[:, j] - made, w[:, j] - made
            wanted[:, j + 1 : end] += error[:, j, None] * upper[j, j + 1 : end]
        if end < w.shape[1]:
            wanted[:, end:] += product(error[:, start:end], upper[start:end, end:])
    return gap, error
