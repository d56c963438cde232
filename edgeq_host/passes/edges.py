"""Transposes at the inputs and outputs of the model become the permutation of the edge."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from edgeq_host.graph import Edge, Graph, Node
from edgeq_host.passes.perm import Perm, apply, attrs_of, inverse, source_of
from edgeq_host.passes.rewriter import Rewriter, remove_dead
from edgeq_host.passes.sink import ANY_ORDER


def absorb(graph: Graph, hoisted: set[str]) -> bool:
    """One round over all edges; True when something changed. hoisted: inputs whose order was already chosen by what comes later."""
    changed = [_output(graph, i) for i in range(len(graph.outputs))]
    changed += [_input(graph, i, hoisted) for i in range(len(graph.inputs))]
    if any(changed):
        remove_dead(graph)
    return any(changed)


def _wanted(graph: Graph, tensor: str) -> Perm | None:
    """The order in which most readers want an input: more than the readers that want it as it is."""
    rank = len(graph.tensors[tensor].shape)
    readers = graph.consumers(tensor)
    moves = Counter(tuple(n.attrs["perm"][:rank]) for n in readers if n.op == "transpose")
    if not moves:
        return None
    perm, count = moves.most_common(1)[0]
    kept = len(readers) - sum(moves.values()) + sum(e.tensor == tensor for e in graph.outputs)
    return perm if count > kept else None


def _wanted_later(graph: Graph, tensor: str) -> Perm | None:
    """The order that every path from an input comes to, through operators that work in any order."""
    rank = len(graph.tensors[tensor].shape)
    found: set[Perm] = set()
    waiting, seen = [tensor], {tensor}
    while waiting:
        for reader in graph.consumers(waiting.pop()):
            out = reader.outputs[0]
            if reader.op == "transpose":
                found.add(tuple(reader.attrs["perm"][:rank]))
            elif reader.op not in ANY_ORDER or len(graph.tensors[out].shape) != rank:
                return None
            elif out not in seen:
                seen.add(out)
                waiting.append(out)
    return found.pop() if len(found) == 1 else None


def _input(graph: Graph, i: int, hoisted: set[str]) -> bool:
    edge = graph.inputs[i]
    perm = _wanted(graph, edge.tensor)
    if perm is None and edge.tensor not in hoisted:
        perm = _wanted_later(graph, edge.tensor)
        hoisted |= {edge.tensor} if perm else set()
    if perm is None:
        return False
    old = graph.tensors[edge.tensor]
    kept = f"{edge.tensor}/source"
    while kept in graph.tensors:
        kept += "'"
    graph.tensors[kept] = replace(old, name=kept)
    graph.tensors[edge.tensor] = replace(old, shape=apply(perm, old.shape))
    graph.inputs[i] = replace(edge, permutation=apply(perm, edge.permutation))
    nodes = [replace(n, inputs=tuple(kept if x == edge.tensor else x for x in n.inputs)) for n in graph.nodes]
    back = Node("transpose", kept, (edge.tensor,), (kept,), attrs_of(inverse(perm)))
    graph.nodes = [back, *nodes]
    graph.outputs = [replace(e, tensor=kept) if e.tensor == edge.tensor else e for e in graph.outputs]
    return True


def _output(graph: Graph, i: int) -> bool:
    edge = graph.outputs[i]
    rewriter = Rewriter(graph)
    found = source_of(rewriter, edge.tensor)
    if found is None:
        return False
    x, perm = found
    graph.outputs[i] = _permuted(edge, x, perm)
    return True


def _permuted(edge: Edge, x: str, perm: Perm) -> Edge:
    """The edge over x, where its tensor was x transposed by perm."""
    return replace(edge, tensor=x, permutation=apply(inverse(perm), edge.permutation))
