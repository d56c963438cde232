"""Small graphs that the tests of this part share."""

from __future__ import annotations

import numpy as np

from edgeq_host.graph import Edge, Graph, Node, Quant, Tensor


def quant(scale: float, zero: int) -> Quant:
    return Quant(np.array([scale]), np.array([zero], np.int64))


def chain(sizes: list[int], name: str = "chain") -> Graph:
    """clip_s8 after clip_s8 over vectors; a slice or an expand where the size changes."""
    graph = Graph(name, {}, [], [], [])
    for i, size in enumerate(sizes):
        graph.tensors[f"t{i}"] = Tensor(f"t{i}", (size,), "s8", None, quant(0.5, 3))
        if i:
            before = sizes[i - 1]
            if size == before:
                node = Node("clip_s8", f"n{i}", (f"t{i - 1}",), (f"t{i}",), {"lo": -128, "hi": 127})
            elif size < before:
                node = Node("slice", f"n{i}", (f"t{i - 1}",), (f"t{i}",), {"begin": [0] * 6, "step": [1] * 6})
            else:
                attrs = {"mode": 0, "value": 0, "before": [0] * 6, "after": [size - before, 0, 0, 0, 0, 0]}
                node = Node("pad", f"n{i}", (f"t{i - 1}",), (f"t{i}",), attrs)
            graph.nodes.append(node)
    graph.inputs.append(Edge("x", "t0", (sizes[0],), (0,), "s8"))
    graph.outputs.append(Edge("y", f"t{len(sizes) - 1}", (sizes[-1],), (0,), "s8"))
    return graph


def table(values: np.ndarray, name: str = "table") -> Graph:
    """One lookup_s8 with the given 256 entries."""
    graph = chain([4], name)
    graph.tensors["values"] = Tensor("values", (256,), "s8", values.astype(np.int8))
    graph.tensors["y"] = Tensor("y", (4,), "s8", None, quant(0.25, 0))
    graph.nodes.append(Node("lookup_s8", "lookup", ("t0", "values"), ("y",)))
    graph.outputs[0] = Edge("y", "y", (4,), (0,), "s8")
    return graph
