"""Layers, and which of them are the first and the last of a network."""

from __future__ import annotations

from edgeq_host.graph import Graph, Node

_LAYERS = ("conv2d_f32", "depthwise_conv2d_f32", "transpose_conv2d_f32", "fully_connected_f32")
# Operators that change the shape, or every element by itself: a layer before or behind them is still the first or the last.
_SHAPE = ("reshape", "transpose", "slice", "pad", "expand", "concat", "resize_nearest", "resize_bilinear_f32", "cast")
_ACTIVATION = ("clip_f32", "leaky_relu_f32", "prelu_f32", "hard_sigmoid_f32", "hard_swish_f32", "sigmoid_f32", "tanh_f32", "softmax_f32")
_BY_A_CONSTANT = ("add_f32", "sub_f32", "mul_f32", "div_f32")


def is_layer(graph: Graph, node: Node) -> bool:
    """Whether a node multiplies by constant weights of its own."""
    weight = graph.tensors[node.inputs[1]] if len(node.inputs) > 1 else None
    if weight is None or weight.data is None:
        return False
    return node.op in _LAYERS or (node.op == "matmul_f32" and weight.quant is None and len(weight.shape) == 2)


def of(graph: Graph) -> set[str]:
    """Outputs of the layers that read an input of the graph, or make an output of it, through shape and activation operators."""
    first, last = {e.tensor for e in graph.inputs}, {e.tensor for e in graph.outputs}
    found = set()
    for node in graph.nodes:
        if is_layer(graph, node) and node.inputs[0] in first:
            found.add(node.outputs[0])
        elif _passes(graph, node) and first.intersection(node.inputs):
            first.update(node.outputs)
    for node in reversed(graph.nodes):
        if is_layer(graph, node) and last.intersection(node.outputs):
            found.update(node.outputs)
        elif _passes(graph, node) and last.intersection(node.outputs):
            last.update(node.inputs)
    return found


def _passes(graph: Graph, node: Node) -> bool:
    constant = sum(graph.tensors[i].data is not None for i in node.inputs)
    return node.op in (*_SHAPE, *_ACTIVATION) or (node.op in _BY_A_CONSTANT and constant == 1)
