"""The int8 form of the operators that multiply by constant weights: what their rules share."""

from __future__ import annotations

from edgeq_host.graph import Node
from edgeq_host.quant.build import Build
from edgeq_host.quant.weights import quantize_weights


def weighted(build: Build, node: Node, axis: int) -> None:
    """conv2d, depthwise_conv2d, transpose_conv2d, fully_connected: x, weights with output channels on `axis`, bias."""
    x_name, w_name, b_name = node.inputs
    x, y = build.affine(x_name), build.affine(node.outputs[0])
    weights = quantize_weights(build, node, build.tensor(w_name), build.tensor(b_name), axis)
    attrs = {key: value for key, value in node.attrs.items() if key not in ("lo", "hi")}
    attrs |= {"x_zero": x.zero, "w_zero": weights.zero, "y_zero": y.zero, **y.clamp(node.attrs["lo"], node.attrs["hi"])}
    build.emit(node.op.replace("_f32", "_s8"), node.name, [build.s8(x_name), *weights.names], build.output(node.outputs[0]), attrs)
