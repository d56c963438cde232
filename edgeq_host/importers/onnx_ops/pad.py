"""Pad, in every mode; what is negative is cut off."""

from __future__ import annotations

import math

import numpy as np

from edgeq_host.importers.common import Refusal
from edgeq_host.importers.onnx_ops.context import Op
from edgeq_host.importers.onnx_ops.reduce import normalized
from edgeq_host.importers.onnx_ops.shape import integers

_MODES = {"constant": 0, "reflect": 1, "edge": 2, "wrap": 3}
_MAX_PAD = 1 << 20


def pad(op: Op) -> None:
    rank = len(op.shape(0))
    mode = op.attr("mode", "constant")
    if mode not in _MODES:
        raise Refusal(f"mode '{mode}' is unknown")
    before, after = _amounts(op, rank)
    kind = integers(op)
    x = op.any(0) if kind else op.tensor(0)
    x = _cut(op, x, [max(0, -b) for b in before], [max(0, -a) for a in after])
    before, after = [max(0, b) for b in before], [max(0, a) for a in after]
    if any(before) or any(after):
        shape = op.builder.shape(x)
        _check(mode, shape, before, after)
        dims = [d + b + a for d, b, a in zip(shape, before, after, strict=True)]
        attrs = {"mode": _MODES[mode], "value": _bits(op, x) if mode == "constant" else 0, "before": before, "after": after}
        x = op.emit("pad", [x], dims, attrs, quant=op.moved(x) if kind else None)
    op.done(x, integers=kind)


def _amounts(op: Op, rank: int) -> tuple[list[int], list[int]]:
    """Elements to add before and after each axis."""
    pads = op.ints(1, "the pads") if op.has(1) else [int(v) for v in op.attr("pads") or op.need("paddings")]
    axes = normalized(op.ints(3, "the axes"), rank) if op.has(3) else list(range(rank))
    if len(pads) != 2 * len(axes) or any(abs(p) > _MAX_PAD for p in pads):
        raise Refusal(f"pads {pads} do not fit {len(axes)} axes")
    before, after = [0] * rank, [0] * rank
    for k, axis in enumerate(axes):
        before[axis], after[axis] = pads[k], pads[k + len(axes)]
    return before, after


def _cut(op: Op, x: str, before: list[int], after: list[int]) -> str:
    if not any(before) and not any(after):
        return x
    dims = [d - b - a for d, b, a in zip(op.builder.shape(x), before, after, strict=True)]
    return op.emit("slice", [x], dims, {"begin": before}, role="cut", quant=op.moved(x))


def _check(mode: str, shape: tuple[int, ...], before: list[int], after: list[int]) -> None:
    """A reflection cannot reach further than the other end."""
    limit = {"reflect": -1, "wrap": 0}.get(mode)
    if limit is None:
        return
    for d, b, a in zip(shape, before, after, strict=True):
        if max(b, a) > d + limit:
            raise Refusal(f"mode '{mode}' pads an axis of {d} by {max(b, a)}", f"at most {d + limit} are possible")


def _bits(op: Op, x: str) -> int:
    """The float32 value as the signed 32-bit integer of the same bits."""
    value = op.scalar(2, "the value") if op.has(2) else float(op.attr("value", 0.0))
    if math.isnan(value):
        raise Refusal("pads with NaN")
    quant = op.builder.tensor(x).quant
    if integers(op) and quant is not None:
        value = (value - (128 if integers(op) == "u8" else 0) - int(quant.zero[0])) * float(quant.scale[0])
    return int(np.array(value, np.float32).view(np.int32))
