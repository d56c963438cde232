"""Run a whole graph by the numpy reference of the operators: no C, no file, no memory plan."""

from __future__ import annotations

import numpy as np

from edgeq_host.errors import UsageError
from edgeq_host.graph import Array, Graph
from edgeq_runtime.ops import DTYPES, run


def run_graph(graph: Graph, inputs: dict[str, Array]) -> dict[str, Array]:
    """Every tensor by name. `inputs`: by tensor name, in the internal layout and type. UsageError where they do not fit."""
    graph = graph.with_real_constants()
    values = {t.name: np.asarray(t.data, DTYPES[t.dtype]).reshape(t.shape) for t in graph.tensors.values() if t.data is not None}
    for edge in graph.inputs:
        values[edge.tensor] = _checked(graph, edge.tensor, inputs)
    for node in graph.nodes:
        output = graph.tensors[node.outputs[0]]
        values[output.name] = run(node.op, node.attrs, [values[i] for i in node.inputs], output.shape, output.dtype)
    return values


def _checked(graph: Graph, name: str, inputs: dict[str, Array]) -> Array:
    want = graph.tensors[name]
    if name not in inputs:
        raise UsageError(f"no value for the input {name}: found {sorted(inputs)}", "give every input of the graph by its tensor name")
    found = inputs[name]
    if found.shape != want.shape or found.dtype != DTYPES[want.dtype]:
        raise UsageError(
            f"input {name}: found {found.dtype} {found.shape}, expected {np.dtype(DTYPES[want.dtype])} {want.shape}",
            "arrays have the internal layout (channels last) and type",
        )
    return found
