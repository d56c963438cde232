"""A multiplication and an addition per channel that no layer could take (a batch norm that stands alone) are one depthwise 1x1 layer."""

from __future__ import annotations

import numpy as np

from edgeq_host.attributes import full_attrs
from edgeq_host.graph import Array, Node
from edgeq_host.passes.rewriter import Rewriter
from edgeq_host.passes.scale_fusion import per_channel, unbounded


def make(rewriter: Rewriter, node: Node) -> list[Node] | None:
    if node.op != "add_f32" or len(rewriter.shape(node.outputs[0])) != 4:
        return None
    channels = rewriter.shape(node.outputs[0])[-1]
    for i in (0, 1):
        product = rewriter.maker(node.inputs[i], "mul_f32")
        shift = per_channel(rewriter, node, 1 - i, channels)
        if product is None or shift is None or not rewriter.absorbable(node.inputs[i]) or not unbounded(product.attrs):
            continue
        for k in (0, 1):
            scale = per_channel(rewriter, product, 1 - k, channels)
            if scale is not None and rewriter.constant(product.inputs[k]) is None and np.ptp(scale) + np.ptp(shift) > 0:
                return [_layer(rewriter, node, product.inputs[k], scale.astype(np.float32), shift.astype(np.float32))]
    return None


def _layer(rewriter: Rewriter, node: Node, x: str, scale: Array, shift: Array) -> Node:
    w = rewriter.new_constant(node.outputs[0], scale.reshape(1, 1, -1))
    b = rewriter.new_constant(node.outputs[0], shift)
    attrs = full_attrs("depthwise_conv2d_f32", {k: node.attrs[k] for k in ("lo", "hi")})
    return Node("depthwise_conv2d_f32", node.name, (x, w, b), node.outputs, attrs)
