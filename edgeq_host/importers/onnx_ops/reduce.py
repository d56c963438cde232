"""Reductions. Axes are an attribute or an input, by opset."""

from __future__ import annotations

from collections.abc import Callable

from edgeq_host.importers.common import Refusal
from edgeq_host.importers.onnx_ops.context import Op

KINDS = {
    "ReduceSum": 0,
    "ReduceMean": 1,
    "ReduceMax": 2,
    "ReduceMin": 3,
    "ReduceProd": 4,
    "ReduceSumSquare": 5,
    "ReduceL1": 6,
    "ReduceL2": 7,
}


def rule_for(kind: int) -> Callable[[Op], None]:
    def rule(op: Op) -> None:
        _reduce(op, kind)

    return rule


def _reduce(op: Op, kind: int) -> None:
    shape = op.shape(0)
    axes = op.ints(1, "the axes") if op.has(1) else list(op.attr("axes") or [])
    if not axes:
        if op.attr("noop_with_empty_axes", 0):
            op.alias()
            return
        axes = list(range(len(shape)))
    axes = normalized(axes, len(shape))
    kept = tuple(1 if i in axes else d for i, d in enumerate(shape))
    y = op.tensor(0)
    if axes:
        y = op.emit("reduce_f32", [y], kept, {"kind": kind, "axes": sum(1 << a for a in axes)})
    if not op.attr("keepdims", 1):
        y = op.reshape(y, [d for i, d in enumerate(shape) if i not in axes], "squeezed")
    op.done(y)


def normalized(axes: list[int], rank: int) -> list[int]:
    """Axes counted from the front, each once."""
    if any(not -rank <= a < rank for a in axes):
        raise Refusal(f"axes {axes} are out of range for {rank} dimensions")
    found = [a % rank for a in axes]
    if len(set(found)) != len(found):
        raise Refusal(f"axes {axes} name one axis twice")
    return found
