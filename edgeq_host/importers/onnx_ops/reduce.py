"""Reductions. Axes are an attribute or an input, by opset."""

from __future__ import annotations

from collections.abc import Callable

from edgeq_host.graph import Quant
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
    axes = op.ints(1, "the axes") if op.has(1) else list(op.attr("axes") or [])
    if not axes and op.attr("noop_with_empty_axes", 0):
        op.alias()
        return
    op.done(reduced(op, op.tensor(0), kind, axes, None))


def reduced(op: Op, x: str, kind: int, axes: list[int], quant: Quant | None) -> str:
    """Over these axes, or over all where there are none."""
    shape = op.builder.shape(x)
    axes = normalized(axes or list(range(len(shape))), len(shape))
    kept = tuple(1 if i in axes else d for i, d in enumerate(shape))
    if axes:
        x = op.emit("reduce_f32", [x], kept, {"kind": kind, "axes": sum(1 << a for a in axes)}, quant=quant)
    if op.attr("keepdims", 1):
        return x
    return op.reshape(x, [d for i, d in enumerate(shape) if i not in axes], "squeezed")


def normalized(axes: list[int], rank: int) -> list[int]:
    """Axes counted from the front, each once."""
    if any(not -rank <= a < rank for a in axes):
        raise Refusal(f"axes {axes} are out of range for {rank} dimensions")
    found = [a % rank for a in axes]
    if len(set(found)) != len(found):
        raise Refusal(f"axes {axes} name one axis twice")
    return found
