"""Gather and Tile: elements taken along an axis at places that are known now."""

from __future__ import annotations

import numpy as np

from edgeq_host.graph import Array
from edgeq_host.importers.common import Refusal, checked_shape
from edgeq_host.importers.onnx_ops.context import Op
from edgeq_host.importers.onnx_ops.reduce import normalized
from edgeq_host.importers.onnx_ops.resize import along
from edgeq_host.importers.onnx_ops.shape import integers


def gather(op: Op) -> None:
    shape = op.shape(0)
    axis = normalized([int(op.attr("axis", 0))], len(shape))[0]
    places = op.const(1, "the indices")
    if places.dtype.kind not in "iu" or not places.size or not ((places >= -shape[axis]) & (places < shape[axis])).all():
        raise Refusal(f"its indices are not all inside of axis {axis} of {list(shape)}")
    dims = checked_shape(op.output, (*shape[:axis], *places.shape, *shape[axis + 1 :]))
    taken = _take(op, op.any(0), axis, np.where(places < 0, places + shape[axis], places).reshape(-1).astype(np.int64))
    op.done(op.reshape(taken, dims, "shaped"), integers=integers(op))


def tile(op: Op) -> None:
    repeats = op.ints(1, "the repeats")
    shape = op.shape(0)
    if len(repeats) != len(shape) or min(repeats, default=1) < 1:
        raise Refusal(f"repeats {repeats} do not fit {list(shape)}")
    checked_shape(op.output, [d * r for d, r in zip(shape, repeats, strict=True)])
    x = op.any(0)
    for axis, count in enumerate(repeats):
        x = _take(op, x, axis, np.tile(np.arange(shape[axis]), count))
    op.done(x, integers=integers(op))


def _take(op: Op, x: str, axis: int, places: Array) -> str:
    """x at these places of an axis: a slice where they are evenly spaced, else the table of a nearest resize."""
    shape = op.builder.shape(x)
    if np.array_equal(places, np.arange(shape[axis])):
        return x
    steps = np.diff(places)
    if steps.size and (steps[0] == 0 or (steps != steps[0]).any()):
        return along(op, x, "nearest", [axis], {axis: places})
    begin, step, dims = [0] * len(shape), [1] * len(shape), list(shape)
    begin[axis], step[axis], dims[axis] = int(places[0]), int(steps[0]) if steps.size else 1, places.size
    return op.emit("slice", [x], dims, {"begin": begin, "step": step}, role="taken", quant=op.moved(x))
