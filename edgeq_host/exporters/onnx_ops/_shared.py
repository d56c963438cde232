"""What several rules need."""

from __future__ import annotations

from edgeq_host.exporters.onnx_build import Build, Layout, identity
from edgeq_host.graph import Node


def common_layout(b: Build, node: Node) -> Layout:
    """That of the first input which is computed and has all axes of the output."""
    rank = len(b.shape(node.outputs[0]))
    whole = (t for t in node.inputs if t in b.values and len(b.shape(t)) == rank)
    return next((b.layout(t) for t in whole), identity(rank))


def product_scales(b: Build, node: Node, product: float) -> tuple[float, float]:
    """The scales of two factors whose product is known; a constant has none in the file and takes what is left."""
    known = [None if b.graph.tensors[t].data is not None else b.affine(t)[0] for t in node.inputs]
    first, second = known
    if first is None:
        second = 1.0 if second is None else second
        return product / second, second
    if second is None:
        return first, product / first
    b.same_scale(product, first * second, "the product of its scales")
    return first, second
