"""Quantized sources. Scales and zero points become Quant on the tensors; operators on integers become their float32 twins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgeq_host.graph import Quant
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.onnx_ops import activation as activation_ops
from edgeq_host.importers.onnx_ops import elementwise, matmul, pool, shape
from edgeq_host.importers.onnx_ops.context import Op
from edgeq_host.importers.onnx_ops.conv import convolve
from edgeq_host.importers.onnx_ops.layout import rank_of_image
from edgeq_host.importers.onnx_ops.reduce import KINDS, normalized, reduced
from edgeq_host.importers.onnx_ops.values import Act, Const, quant_of, same_quant


def read_quant(op: Op, scale: int, zero: int, axis: int | None) -> tuple[Quant, str]:
    """The quantization that inputs `scale` and `zero` give, and the type of its integers."""
    point = op.const(zero, "the zero point") if op.has(zero) else None
    quant, shift = quant_of(op.const(scale, "the scale"), point, axis)
    kind = "u8" if shift else "s32" if point is not None and point.dtype == np.int32 else "s8"
    return quant, kind


def per_tensor(op: Op, scale: int, zero: int) -> tuple[Quant, str]:
    quant, kind = read_quant(op, scale, zero, None)
    if quant.scale.size != 1 or kind == "s32":
        raise Refusal(f"an activation is quantized by {quant.scale.size} scales to {kind}", "one scale and int8 or uint8 are possible")
    return quant, kind


def _axis(op: Op, i: int) -> int:
    rank = max(len(op.shape(i)), 1)
    return normalized([int(op.attr("axis", 1)) if rank > 1 else 0], rank)[0]


def quantize(op: Op) -> None:
    if op.attr("block_size", 0):
        raise Refusal("quantizes in blocks", "one scale per tensor is possible")
    if not op.has(2) and op.attr("output_dtype", 2) not in (2, 3, 0):
        raise Refusal("quantizes to another type than int8 and uint8")
    quant, kind = per_tensor(op, 1, 2)
    if not op.has(2) and op.attr("output_dtype", 2) == 3:
        quant, kind = replace(quant, zero=quant.zero + 128), "s8"
    x = op.tensor(0)
    op.done(op.annotate(x, quant, op.uses[op.node.input[0]] == 1), integers=kind)


def dequantize(op: Op) -> None:
    if op.attr("block_size", 0):
        raise Refusal("dequantizes in blocks", "one scale per tensor or per channel is possible")
    value = op.value(0)
    if isinstance(value, Const):
        op.values[op.output] = constant(op, 0, 1, 2, _axis(op, 0))
        return
    quant, kind = _for_input(op, value)
    op.done(activation(op, 0, quant, kind))


def _for_input(op: Op, value: Act) -> tuple[Quant, str]:
    quant, kind = per_tensor(op, 1, 2)
    own = value.integers or op.builder.tensor(value.tensor).dtype
    if not op.has(2) and own == "s8":
        return replace(quant, zero=quant.zero + 128), "s8"
    return quant, kind


def constant(op: Op, data: int, scale: int, zero: int, axis: int | None) -> Const:
    """Constant integers with the scale that the node gives for them."""
    held = op.held(data, "the quantized tensor").data
    if held.dtype not in (np.uint8, np.int8, np.int32):
        raise Refusal(f"quantized type {held.dtype} is not supported", "quantize to int8 or uint8")
    point = op.const(zero, "the zero point") if op.has(zero) else np.zeros(1, held.dtype)
    if point.dtype != held.dtype:
        raise Refusal(f"integers are {held.dtype} but their zero point is {point.dtype}")
    quant, shift = quant_of(op.const(scale, "the scale"), point, axis)
    if quant.axis is not None and held.shape[quant.axis] != quant.scale.size:
        raise Refusal(f"{quant.scale.size} scales for {held.shape[quant.axis]} channels")
    if shift:
        held = (held.astype(np.int16) - shift).astype(np.int8)
    return Const(held, quant)


def activation(op: Op, i: int, quant: Quant, kind: str) -> str:
    """Input i, integers of this quantization, as its graph tensor."""
    value = op.value(i)
    if isinstance(value, Const):
        raise Refusal(f"operand '{op.node.input[i]}' is a constant", "fold it into the weights")
    held = op.builder.tensor(value.tensor)
    if value.integers:
        if not same_quant(held.quant, quant) or value.integers != kind:
            raise Refusal(f"reads '{op.node.input[i]}' with another scale than it was made with")
        return value.tensor
    if held.dtype != kind or any(value.tensor in n.inputs for n in op.builder.graph.nodes):
        raise Refusal(f"'{op.node.input[i]}' is {held.dtype}, expected quantized {kind}")
    op.builder.graph.tensors[value.tensor] = replace(held, dtype="f32", quant=quant)
    op.values[op.node.input[i]] = replace(value, integers=kind)
    return value.tensor


def operand(op: Op, i: int) -> str:
    """Inputs i, i + 1, i + 2: integers, scale, zero point, as one tensor of the graph."""
    if op.is_const(i):
        return op.keep(constant(op, i, i + 1, i + 2, None), i)
    quant, kind = per_tensor(op, i + 1, i + 2)
    return activation(op, i, quant, kind)


def qlinear_conv(op: Op) -> None:
    x = operand(op, 0)
    w = constant(op, 3, 4, 5, 0)
    quant, kind = per_tensor(op, 6, 7)
    op.done(convolve(op, x, w, _bias(op, 8, x, w), quant), integers=kind)


def _bias(op: Op, i: int, x: str, w: Const) -> Const | None:
    """int32 at the product of the scales of x and w."""
    if not op.has(i):
        return None
    data = op.held(i, "the bias").data
    source = op.builder.tensor(x).quant
    assert source is not None and w.quant is not None
    scale = source.scale * w.quant.scale
    return Const(data.astype(np.int32), Quant(scale, np.zeros(scale.size, np.int64), 0 if scale.size > 1 else None))


def qlinear_matmul(op: Op) -> None:
    quant, kind = per_tensor(op, 6, 7)
    if op.is_const(3) and len(op.shape(3)) == 2:
        y = matmul.matmul_dense(op, operand(op, 0), constant(op, 3, 4, 5, 1), quant)
    else:
        y = matmul.product(op, operand(op, 0), operand(op, 3), quant)
    op.done(y, integers=kind)


def qgemm(op: Op) -> None:
    if float(op.attr("alpha", 1.0)) != 1.0 or op.attr("transA", 0):
        raise Refusal("alpha and transA are not supported here")
    x = operand(op, 0)
    across = 0 if op.attr("transB", 0) else 1
    w = constant(op, 3, 4, 5, across)
    w = w if across == 0 else w.transposed((1, 0))
    quant, kind = per_tensor(op, 7, 8) if op.has(7) else (None, "")
    op.done(matmul.fully_connected(op, x, w, _bias(op, 6, x, w), quant), integers=kind)


def qlinear_binary(operator: str) -> Callable[[Op], None]:
    def rule(op: Op) -> None:
        quant, kind = per_tensor(op, 6, 7)
        op.done(elementwise.combine(op, operator, operand(op, 0), operand(op, 3), quant=quant), integers=kind)

    return rule


def qlinear_unary(operator: str, *fields: tuple[str, float]) -> Callable[[Op], None]:
    """fields: (attribute, default) that the node hands to the operator."""

    def rule(op: Op) -> None:
        quant, kind = per_tensor(op, 3, 4)
        x = operand(op, 0)
        attrs = {name: op.attr(name, default) for name, default in fields}
        op.done(op.emit(operator, [x], op.builder.shape(x), attrs, quant=quant), integers=kind)

    return rule


def _channels_first(op: Op) -> None:
    if op.attr("channels_last", 0):
        raise Refusal("has its channels last")
    rank_of_image(op)


def qlinear_average(op: Op) -> None:
    _channels_first(op)
    quant, kind = per_tensor(op, 3, 4)
    op.done(pool.averaged(op, operand(op, 0), quant), integers=kind)


def qlinear_global_average(op: Op) -> None:
    _channels_first(op)
    quant, kind = per_tensor(op, 3, 4)
    op.done(pool.whole_image(op, "avg_pool2d_f32", operand(op, 0), quant), integers=kind)


def qlinear_reduce_mean(op: Op) -> None:
    quant, kind = per_tensor(op, 3, 4)
    axes = [int(a) for a in op.attr("axes") or []]
    op.done(reduced(op, operand(op, 0), KINDS["ReduceMean"], axes, quant), integers=kind)


def qlinear_softmax(op: Op) -> None:
    """`opset`: of the Softmax that it was made from, which says what the axis means."""
    quant, kind = per_tensor(op, 3, 4)
    y = activation_ops.softmax_along(op, operand(op, 0), int(op.attr("axis", -1)), int(op.attr("opset", 13)) >= 13, quant)
    op.done(y, integers=kind)


def qlinear_concat(op: Op) -> None:
    quant, kind = per_tensor(op, 0, 1)
    names = [operand(op, i) for i in range(2, op.count, 3)]
    axis = normalized([int(op.need("axis"))], len(op.builder.shape(names[0])))[0]
    op.done(op.annotate(shape.join(op, names, axis), quant, True), integers=kind)
