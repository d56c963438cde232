"""The integer form of the operators that multiply by constant weights: what their rules share."""

from __future__ import annotations

from edgeq_host.graph import Node, Tensor
from edgeq_host.quant import bits, nested, weights
from edgeq_host.quant.affine import Affine
from edgeq_host.quant.build import Build
from edgeq_host.quant.layer import Int64, Layer
from edgeq_host.quant.signs import is_product, reads_bits
from edgeq_host.quant.weights import Weights, choose


def weighted(build: Build, node: Node, axis: int) -> None:
    """conv2d, depthwise_conv2d, transpose_conv2d, fully_connected: x, weights with output channels on `axis`, bias.

    Signs times signs are a product of bits; where a sign alone reads the sum, the layer makes bits.
    """
    x, out = build.affine(node.inputs[0]), node.outputs[0]
    y = Affine(x.scale, 0) if build.signs.unquantized(out) else build.affine(out)
    attrs = {key: value for key, value in node.attrs.items() if key not in ("lo", "hi")}
    if _of_bits(build, node):
        signs = bits.as_signs(x)
        layer, offset = _chosen(build, node, axis, signs, y)
        if layer.kind.signs:
            bits.product(build, node, layer, offset, signs, {key: value for key, value in attrs.items() if key != "groups"})
            return
    if out in build.signs.behind:
        layer, _ = _chosen(build, node, axis, x, y)
        bits.sum_with_sign(build, node, layer, x, axis, attrs)
        return
    made = constants(build, node, build.tensor(node.inputs[1]), build.tensor(node.inputs[2]), axis)
    attrs |= {"x_zero": x.zero, "w_zero": made.zero, "y_zero": y.zero, **y.clamp(node.attrs["lo"], node.attrs["hi"])}
    build.compute(node.op.removesuffix("_f32"), node.name, [build.integers(node.inputs[0]), *made.names], build.output(out), attrs)


def constants(build: Build, node: Node, weight: Tensor, bias: Tensor, axis: int) -> Weights:
    """Constants of a product with an int8 or int16 output."""
    make = nested.quantize_weights if build.width(node).nested else weights.quantize_weights
    return make(build, node, weight, bias, axis)


def _chosen(build: Build, node: Node, axis: int, x: Affine, y: Affine) -> tuple[Layer, Int64]:
    weight, bias = (build.tensor(name) for name in node.inputs[1:])
    return choose(build, node, weight, bias, axis, x, y)


def _of_bits(build: Build, node: Node) -> bool:
    """Whether signs meet weights that will be signs."""
    kind = build.width(node).kind
    given = is_product(build.source, node, build.signs.held)
    return given or (kind is not None and kind.signs and reads_bits(build.source, node, build.signs.held))
