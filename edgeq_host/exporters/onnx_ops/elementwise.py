"""Operators that work element by element, broadcast."""

from __future__ import annotations

from edgeq_host.exporters.onnx_build import Build, factor
from edgeq_host.exporters.onnx_ops._shared import common_layout, product_scales
from edgeq_host.graph import Node

_ADD_TOLERANCE = 2.0**-13  # a_mul and b_mul have 15 bits; the smaller one's share of a step is as exact as the larger one's


def add(b: Build, node: Node) -> None:
    a, layout, y_scale = node.attrs, common_layout(b, node), b.affine(node.outputs[0])[0]
    factors = [abs(a[key]) * 2.0 ** -a["shift"] * y_scale for key in ("a_mul", "b_mul")]
    reals = []
    for tensor, scale, zero in zip(node.inputs, factors, (a["a_zero"], a["b_zero"]), strict=True):
        if tensor in b.values:
            own = b.affine(tensor)[0]
            if abs(own - scale) > _ADD_TOLERANCE * max(factors):
                b.same_scale(scale, own, f"the factor of {tensor}")
            scale = own
        reals.append(b.real(tensor, layout, scale, zero))
    y = b.node("Sub" if a["b_mul"] < 0 else "Add", reals, f"{node.outputs[0]}/real")
    b.write(node, y, layout, a["lo"], a["hi"])


def mul(b: Build, node: Node) -> None:
    a, layout = node.attrs, common_layout(b, node)
    scales = product_scales(b, node, float(factor(a["m"], a["n"])) * b.affine(node.outputs[0])[0])
    zeros = (a["a_zero"], a["b_zero"])
    reals = [b.real(t, layout, s, z) for t, s, z in zip(node.inputs, scales, zeros, strict=True)]
    b.write(node, b.node("Mul", reals, f"{node.outputs[0]}/real"), layout, a["lo"], a["hi"])


def _extreme(op: str, b: Build, node: Node) -> None:
    layout = common_layout(b, node)
    same = b.affine(node.outputs[0])  # SPEC.md: all of one quantization
    reals = [b.real(t, layout, *same) for t in node.inputs]
    b.write(node, b.node(op, reals, f"{node.outputs[0]}/real"), layout, node.attrs["lo"], node.attrs["hi"])


def minimum(b: Build, node: Node) -> None:
    _extreme("Min", b, node)


def maximum(b: Build, node: Node) -> None:
    _extreme("Max", b, node)


def prelu(b: Build, node: Node) -> None:
    a, layout = node.attrs, common_layout(b, node)
    x_scale, y_scale = b.affine(node.inputs[0])[0], b.affine(node.outputs[0])[0]
    b.same_scale(float(factor(a["m_pos"], a["n_pos"])), x_scale / y_scale, "its factor for positive values")
    alpha = float(factor(a["m_neg"], a["n_neg"])) * y_scale / x_scale
    reals = [b.real(node.inputs[0], layout), b.real(node.inputs[1], layout, alpha, 0)]
    b.write(node, b.node("PRelu", reals, f"{node.outputs[0]}/real"), layout)


def clip(b: Build, node: Node) -> None:
    layout = b.layout(node.inputs[0])
    name = b.clamped(b.stored(node.inputs[0], layout), node.outputs[0], node.attrs["lo"], node.attrs["hi"])
    b.write_stored(node, name, layout)


def requantize(b: Build, node: Node) -> None:
    a, layout = node.attrs, b.layout(node.inputs[0])
    b.same_scale(float(factor(a["m"], a["n"])), b.affine(node.inputs[0])[0] / b.affine(node.outputs[0])[0], "its factor")
    b.write(node, b.real(node.inputs[0], layout), layout, a["lo"], a["hi"])


def convert(b: Build, node: Node) -> None:
    """quantize_s8 and dequantize_s8: what real and write do."""
    layout = b.layout(node.inputs[0])
    b.write(node, b.real(node.inputs[0], layout), layout)


RULES = {
    "add_s8": add,
    "mul_s8": mul,
    "min_s8": minimum,
    "max_s8": maximum,
    "prelu_s8": prelu,
    "clip_s8": clip,
    "requantize_s8": requantize,
    "quantize_s8": convert,
    "dequantize_s8": convert,
}
