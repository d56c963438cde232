"""Functions of one tensor, and what BatchNormalization is at inference: a multiplication and an addition per channel."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from edgeq_host.graph import Attrs, Quant
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.onnx_ops import signs
from edgeq_host.importers.onnx_ops.context import Op
from edgeq_host.importers.onnx_ops.values import Act, Norm


def unary(operator: str) -> Callable[[Op], None]:
    def rule(op: Op) -> None:
        same_shape(op, operator, {})

    return rule


def same_shape(op: Op, operator: str, attrs: Attrs) -> None:
    x = op.tensor(0)
    op.done(op.emit(operator, [x], op.builder.shape(x), attrs))


def relu(op: Op) -> None:
    same_shape(op, "clip_f32", {"lo": 0.0})


def clip(op: Op) -> None:
    """Bounds are attributes before opset 11, inputs after. Where they cross, ONNX gives the upper one everywhere."""
    lo = op.scalar(1, "the lower bound") if op.has(1) else float(op.attr("min", -math.inf))
    hi = op.scalar(2, "the upper bound") if op.has(2) else float(op.attr("max", math.inf))
    if math.isnan(lo) or math.isnan(hi):
        raise Refusal("a bound is not a number")
    same_shape(op, "clip_f32", {"lo": min(lo, hi), "hi": hi})


def leaky_relu(op: Op) -> None:
    same_shape(op, "leaky_relu_f32", {"alpha": op.attr("alpha", 0.01)})


def prelu(op: Op) -> None:
    """The slope broadcasts to x by numpy's rule; [C] of exporters that mean channels broadcasts over [C, 1, 1] when it must."""
    x, shape, slope = op.tensor(0), op.shape(0), op.shape(1)
    name = op.tensor(1)
    if slope == shape[1:2] and len(shape) > 2 and slope[0] not in (1, shape[-1]):
        name = op.reshape(name, (slope[0], *[1] * (len(shape) - 2)), "slope")
    if np.broadcast_shapes(shape, op.builder.shape(name)) != shape:
        raise Refusal(f"a slope of {list(slope)} does not broadcast to {list(shape)}")
    op.done(op.emit("prelu_f32", [x, name], shape))


def hard_sigmoid(op: Op) -> None:
    same_shape(op, "hard_sigmoid_f32", {"alpha": op.attr("alpha", 0.2), "beta": op.attr("beta", 0.5)})


def softmax(op: Op) -> None:
    axis = op.attr("axis", -1 if op.opset >= 13 else 1)
    op.done(softmax_along(op, op.tensor(0), axis, op.opset >= 13, None))


def softmax_along(op: Op, x: str, axis: int, single: bool, quant: Quant | None) -> str:
    """Along one axis (`single`), or as before opset 13 over all axes from this one on together."""
    shape = op.builder.shape(x)
    if not shape:
        raise Refusal("the input is a scalar")
    axis = _axis(axis, len(shape))
    if not single and axis < len(shape):
        rows = (math.prod(shape[:axis]), math.prod(shape[axis:]))
        return op.reshape(op.emit("softmax_f32", [op.reshape(x, rows, "rows")], rows, quant=quant), shape, "shaped")
    if axis >= len(shape):
        raise Refusal(f"axis {axis} is out of range for {list(shape)}")
    perm = [i for i in range(len(shape)) if i != axis] + [axis]
    moved = op.transpose(x, perm, "last")
    y = op.emit("softmax_f32", [moved], op.builder.shape(moved), quant=quant)
    return op.transpose(y, [perm.index(i) for i in range(len(shape))], "back")


def _axis(axis: int, rank: int) -> int:
    if not -rank <= axis <= rank:
        raise Refusal(f"axis {axis} is out of range for {rank} dimensions")
    return axis + rank if axis < 0 else axis


def batch_norm(op: Op) -> None:
    if op.attr("training_mode", 0):
        raise Refusal("is in training mode", "export the model for inference (model.eval())")
    op.refuse_outputs(1)
    shape = op.shape(0)
    if len(shape) < 2:
        raise Refusal(f"needs at least 2 dimensions, the input is {list(shape)}")
    names = ("the scale", "the bias", "the mean", "the variance")
    scale, bias, mean, variance = (op.const(i + 1, name).astype(np.float64).reshape(-1) for i, name in enumerate(names))
    if any(v.size != shape[1] for v in (scale, bias, mean, variance)):
        raise Refusal(f"its parameters do not have the {shape[1]} channels of the input")
    with np.errstate(all="ignore"):
        factor = scale / np.sqrt(variance + float(op.attr("epsilon", 1e-5)))
    if not np.isfinite(factor).all():
        raise Refusal("a variance is negative or not a number")
    per_channel = (shape[1], *[1] * (len(shape) - 2))
    with np.errstate(all="ignore"):  # infinities are refused where layers or signs take them
        shift = (bias - mean * factor).astype(np.float32)
        a, b = op.constant(factor.astype(np.float32).reshape(per_channel), "scale"), op.constant(shift.reshape(per_channel), "shift")
    x, epsilon = op.tensor(0), Fraction(float(op.attr("epsilon", 1e-5)))
    y = op.emit("add_f32", [op.emit("mul_f32", [x, a], shape, role="scaled"), b], shape)
    op.values[op.output] = Act(y, shape, norm=Norm(x, scale, bias, mean, variance, epsilon))


def cast(op: Op) -> None:
    """Real types become float32; int8, uint8 and int32 are cast at run time. True and false become 1 and 0, in float32."""
    kinds = {1: "f32", 10: "f32", 11: "f32", 16: "f32", 2: "u8", 3: "s8", 6: "s32"}
    to = kinds.get(int(op.need("to")))
    if to is None:
        raise Refusal("casts to a type that edgeq does not have", "float32, int32, int8 and uint8 are possible")
    compared = op.comparison(0)
    if compared is not None:
        if to != "f32":
            raise Refusal("casts true and false to integers", "cast them to float32")
        op.done(signs.emit(op, compared, 1.0, 0.0))
        return
    x = op.any(0)
    if op.builder.tensor(x).dtype == to:
        op.alias()
        return
    if op.builder.tensor(x).quant is not None:
        raise Refusal("casts quantized integers", "use DequantizeLinear")
    op.done(op.emit("cast", [x], op.builder.shape(x), dtype=to))


def identity(op: Op) -> None:
    op.alias()


def dropout(op: Op) -> None:
    if op.has(2) and bool(op.const(2, "training_mode").reshape(-1)[0]):
        raise Refusal("is in training mode", "export the model for inference (model.eval())")
    op.refuse_outputs(1)
    op.alias()
