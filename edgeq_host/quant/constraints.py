"""Which activations share one quantization, so that concat, pooling and the byte movers need no rescaling; and fixed ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edgeq_host.graph import Graph, Node, Quant
from edgeq_host.quant import signs
from edgeq_host.quant.affine import Affine, of
from edgeq_host.quant.signs import Signs

# Operators whose output has the quantization of their first (concat, min, max: of every) input.
SHARING = frozenset({
    "reshape", "transpose", "slice", "pad", "expand", "resize_nearest", "concat", "resize_bilinear_f32",
    "avg_pool2d_f32", "max_pool2d_f32", "min_f32", "max_f32", "clip_f32",
})  # fmt: skip
_ALL_INPUTS = frozenset({"concat", "min_f32", "max_f32"})
_HUGE = 1e30
_REDUCE_EXTREMES = (2, 3)  # kinds max and min

# Outputs whose range is known beforehand.
FIXED = {"softmax_f32": Affine(1 / 256, -128), "sigmoid_f32": Affine(1 / 256, -128), "tanh_f32": Affine(1 / 128, 0)}


@dataclass(frozen=True)
class Group:
    """Tensors of one quantization. `known`: what the source states or the operator fixes; else the values of `sources` decide."""

    members: tuple[str, ...]
    sources: tuple[str, ...]
    known: Affine | None


def groups(graph: Graph) -> list[Group]:
    """Every float activation that integers stand for is in exactly one group, in the order of the graph."""
    found = signs.find(graph)
    names = [name for name in activations(graph) if not found.unquantized(name)]
    parent = {name: name for name in names}
    for node in graph.nodes:
        for other in _shared_inputs(node):
            if other in parent and node.outputs[0] in parent and not _both_stated(graph, other, node.outputs[0]):
                parent[_root(parent, node.outputs[0])] = _root(parent, other)
    members: dict[str, list[str]] = {}
    for name in names:
        members.setdefault(_root(parent, name), []).append(name)
    made_by = {node.outputs[0]: node for node in graph.nodes}
    return [_group(graph, made_by, found, m) for m in members.values()]


def activations(graph: Graph) -> Iterator[str]:
    """The float activations: inputs, then outputs of nodes in order."""
    names = [e.tensor for e in graph.inputs] + [o for n in graph.nodes for o in n.outputs]
    return (n for n in names if graph.tensors[n].dtype == "f32")


def _group(graph: Graph, made_by: dict[str, Node], found: Signs, members: list[str]) -> Group:
    sources = tuple(_observed(graph, made_by, members))
    stated = [q for m in members if (q := graph.tensors[m].quant) is not None]
    known = of(stated[0]) if stated else _fixed(made_by, found, sources) or signs.input_affine(graph, tuple(members))
    return Group(tuple(members), sources, known)


def _fixed(made_by: dict[str, Node], found: Signs, sources: tuple[str, ...]) -> Affine | None:
    fixed = {found.grids.get(s) or FIXED.get(made_by[s].op) if s in made_by else None for s in sources}
    return fixed.pop() if len(fixed) == 1 else None


def _observed(graph: Graph, made_by: dict[str, Node], members: list[str]) -> Iterator[str]:
    """Members that bring values into the group. What a clip alone reads is observed after the clip: the rest is cut anyway."""
    outputs = {e.tensor for e in graph.outputs}
    for name in members:
        node = made_by.get(name)
        if node is not None and any(i in members for i in _shared_inputs(node)) and not _adds_values(graph, node):
            continue
        readers = graph.consumers(name)
        if len(readers) == 1 and readers[0].op == "clip_f32" and name not in outputs and readers[0].outputs[0] in members:
            name = readers[0].outputs[0]
        yield name


def _adds_values(graph: Graph, node: Node) -> bool:
    """A constant joined in, or padded around; a padding of infinity, or as large, only has to lose against every value."""
    if node.op == "concat":
        return any(graph.tensors[i].data is not None for i in node.inputs)
    if node.op == "pad" and node.attrs["mode"] == 0:
        value = float(np.array(node.attrs["value"], np.int64).astype(np.uint32).view(np.float32))
        return 0 < abs(value) < _HUGE
    return False


def _shared_inputs(node: Node) -> tuple[str, ...]:
    if node.op in _ALL_INPUTS:
        return node.inputs
    extreme = node.op == "reduce_f32" and node.attrs["kind"] in _REDUCE_EXTREMES
    return node.inputs[:1] if node.op in SHARING or extreme else ()


def _both_stated(graph: Graph, a: str, b: str) -> bool:
    """The source may give each its own quantization; then a requantization stands between them."""
    first, second = graph.tensors[a].quant, graph.tensors[b].quant
    return first is not None and second is not None and not _equal(first, second)


def _equal(a: Quant, b: Quant) -> bool:
    return bool(np.array_equal(a.scale, b.scale) and np.array_equal(a.zero, b.zero))


def _root(parent: dict[str, str], name: str) -> str:
    while parent[name] != name:
        name = parent[name]
    return name
