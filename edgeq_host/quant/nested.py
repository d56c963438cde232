"""Nested weights: those of int8 are 16 h + l, of which int4 takes h alone (SPEC.md 1.1). Both planes are chosen once for both variants.

h is what the steps of the recipe make of 4 bits, but it stays where l, within -8 .. 7, comes near the integer of int8. Then l is fitted to
it by the same steps that round.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeq_host.graph import Node, Tensor
from edgeq_host.quant import methods
from edgeq_host.quant.affine import Affine
from edgeq_host.quant.build import Build
from edgeq_host.quant.layer import Float64, Int64, Layer, widest_ranges
from edgeq_host.quant.precision import NESTED, WEIGHTS, Kind
from edgeq_host.quant.weights import Weights, add_rq, add_weights, biases, dead, least, proven, rows_of

STEP = 16  # of the high plane, in those of the low one
MOST = 119  # of the integers of int8: 16 * 7 + 7
FREE = 4  # steps of int8 that l may miss its integer by, where a step rounds h otherwise than to nearest
LOW = Kind(4, -8, 7, "s4")


@dataclass(frozen=True)
class Planes:
    """What the weights of each variant count, at the scale of int8."""

    int8: Layer
    int4: Layer

    @property
    def high(self) -> Int64:
        return self.int4.q // STEP

    @property
    def low(self) -> Int64:
        return self.int8.q - self.int4.q


def quantize_weights(build: Build, node: Node, weight: Tensor, bias: Tensor, axis: int) -> Weights:
    """High plane, channel parameters of int8, and the low plane (int8) or the bias of int4."""
    x, y = build.affine(node.inputs[0]), build.affine(node.outputs[0])
    planes = build.nest.get(node.outputs[0]) or _chosen(build, node, weight, bias, axis, x, y)
    build.nest[node.outputs[0]] = planes
    needed = least(bias, x, y)
    high = replace(planes.int4, q=planes.high, scale=planes.int4.scale * STEP)
    (w,) = add_weights(build, node, weight, high, axis)
    rq = add_rq(build, node, planes.int8, biases(build, bias, planes.int8, x.scale, needed), x, y)
    if build.width(node).kind != NESTED:
        low = replace(planes.int8, kind=LOW, q=planes.low)
        return Weights((w, rq, *add_weights(build, node, replace(weight, name=f"{weight.name}/low"), low, axis)), 0)
    own = biases(build, bias, planes.int4, x.scale, needed)
    proven(build, node, planes.int4, own, x, y)
    return Weights((w, rq, build.add_constant(f"{node.name}/bias", own.astype(np.int32), "s32")), 0)


def _chosen(build: Build, node: Node, weight: Tensor, bias: Tensor, axis: int, x: Affine, y: Affine) -> Planes:
    rows = rows_of(node, weight, bias, axis)
    columns = np.zeros(rows.shape[1], np.int64)
    widest = widest_ranges(rows, columns, _SYMMETRIC, dead(x, y)) * STEP
    high = Layer(node.name, NESTED, rows, columns, widest, build.seen(node))
    if not build.dry:
        methods.apply("ranges", high, build.steps)
    high.fix(least(bias, x, y) * STEP)
    scale = high.scale / STEP
    whole = _rounded(rows, scale, -MOST, MOST)
    high.q = _high(whole)
    high.within = _high(whole - FREE), _high(whole + FREE)
    int8 = replace(high, kind=WEIGHTS["8"], scale=scale)
    if not build.dry:
        methods.apply("rounding", high, build.steps)
    int8.within = (high.q * STEP + LOW.low, high.q * STEP + LOW.high)
    int8.q = _rounded(rows, scale, *int8.within)
    if not build.dry:
        methods.apply("rounding", int8, build.steps, NESTED)
    return Planes(int8, replace(high, scale=scale, q=high.q * STEP))


_SYMMETRIC = replace(WEIGHTS["8"], low=-MOST, high=MOST)


def _high(q: Int64) -> Int64:
    """h of integers of int8."""
    return np.clip((q + STEP // 2) // STEP, NESTED.low, NESTED.high)


def _rounded(rows: Float64, scale: Float64, low: Int64 | int, high: Int64 | int) -> Int64:
    return np.asarray(np.clip(np.rint(rows / scale[:, None]), low, high), np.int64)
