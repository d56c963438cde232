"""How many levels the activations of a graph of integers have: types say it, and clamps and tables where int8 has fewer than 256."""

from __future__ import annotations

from edgeq_host.graph import Graph
from edgeq_host.quant.affine import LEVELS
from edgeq_host.quant.constraints import SHARING
from edgeq_host.quant.precision import ACTIVATIONS
from edgeq_runtime import lists


def levels(graph: Graph) -> dict[str, int]:
    """Of every int8 activation that a node makes, as far as clamps and tables show that it has fewer than 256."""
    found: dict[str, int] = {}
    for node in graph.nodes:
        if graph.tensors[node.outputs[0]].dtype != "s8":
            continue
        table = graph.tensors[node.inputs[-1]].data if node.op.startswith("lookup") else None
        if table is not None:
            low, high = int(table.min()), int(table.max())
        else:
            low, high = node.attrs.get("lo", -LEVELS // 2), node.attrs.get("hi", LEVELS // 2 - 1)
        fitting = [n for n in ACTIVATIONS.values() if -n // 2 <= low and high < n // 2]
        inherited = found.get(node.inputs[0], LEVELS) if node.op in SHARING else LEVELS
        found[node.outputs[0]] = min([*fitting, inherited])
    return found


def bits_read(graph: Graph) -> list[int]:
    """Of every node, the bits of the first value that it reads: 1, 2, 4, 8, 16 of integers, 32 of floats and indices."""
    of_int8, bits_of = levels(graph), {count: bits for bits, count in ACTIVATIONS.items()}
    types = {name: t.bits for name, t in lists.qtypes().items()}
    first = [graph.tensors[node.inputs[0]] for node in graph.nodes]
    return [bits_of[of_int8.get(t.name, LEVELS)] if t.dtype == "s8" else types[t.dtype] for t in first]
