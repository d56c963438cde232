"""Which nodes compute in int16: the layers of which a recipe says so, and what stands around them and has an int16 form."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq_host.graph import Graph, Node
from edgeq_host.quant.constraints import SHARING

# Operators with an int16 form, whatever their inputs are; MAYBE: it depends on them.
_ALWAYS = frozenset({
    "conv2d_f32", "depthwise_conv2d_f32", "transpose_conv2d_f32", "fully_connected_f32", "add_f32", "sub_f32", "mul_f32", "clip_f32",
    "max_pool2d_f32", "avg_pool2d_f32", "sigmoid_f32", "tanh_f32", "hard_sigmoid_f32", "hard_swish_f32", "leaky_relu_f32",
    "reshape", "transpose", "concat", "slice", "pad", "expand", "resize_nearest",
})  # fmt: skip
_REDUCTIONS = (0, 1, 2, 3)  # kinds sum, mean, max, min


def has_form(graph: Graph, node: Node) -> bool:
    """Whether an operator has an int16 form."""
    constants = [graph.tensors[i].data for i in node.inputs]
    if node.op == "reduce_f32":
        return node.attrs["kind"] in _REDUCTIONS
    if node.op == "matmul_f32":
        right = graph.tensors[node.inputs[1]]
        return right.data is not None and right.quant is None and len(right.shape) == 2
    if node.op == "div_f32":
        return constants[1] is not None and bool(np.all(constants[1]))
    if node.op == "pow_f32":
        single = [c is not None and c.size == 1 for c in constants]
        return single.count(True) == 1 and graph.tensors[node.inputs[single.index(False)]].shape == graph.tensors[node.outputs[0]].shape
    return node.op in _ALWAYS


def made_wide(graph: Graph, layers: Mapping[str, bool], everywhere: bool) -> frozenset[str]:
    """The activations that are made as int16. layers: by output tensor, whether the layer computes so; everywhere: the others do, too.

    What lies between such layers does, too; what only moves values, or clamps or compares them, is as wide as its input. A float input
    of the graph is quantized to what reads it.
    """
    wanted = _wanted(graph, layers)
    floats = [e.tensor for e in graph.inputs if e.dtype == "f32"]
    made = {name for name in floats if name in wanted or (everywhere and _may_be_wide(graph, layers, name))}
    for node in graph.nodes:
        name = node.outputs[0]
        if name in layers:
            wide = layers[name]
        else:
            wide = has_form(graph, node) and (any(i in made for i in node.inputs) or (name in wanted and node.op not in SHARING))
        if wide and graph.tensors[name].dtype == "f32":
            made.add(name)
    return frozenset(made)


def _may_be_wide(graph: Graph, layers: Mapping[str, bool], name: str) -> bool:
    """Whether all that reads an input can read it as int16."""
    return all(layers.get(n.outputs[0], has_form(graph, n)) for n in graph.consumers(name))


def _wanted(graph: Graph, layers: Mapping[str, bool]) -> set[str]:
    """What such a layer reads, directly or through operators that have an int16 form."""
    wanted: set[str] = set()
    for node in reversed(graph.nodes):
        name = node.outputs[0]
        if name in layers:
            wanted.update(node.inputs[:1] if layers[name] else ())
        elif name in wanted and has_form(graph, node):
            wanted.update(node.inputs)
    return wanted


def without_form(graph: Graph, made: frozenset[str]) -> list[Node]:
    """Operators that read int16 and have no int16 form."""
    return [n for n in graph.nodes if any(i in made for i in n.inputs) and not has_form(graph, n)]
