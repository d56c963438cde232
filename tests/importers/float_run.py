"""Real numbers in, real numbers out: a graph without its source's quantization, run on the C core or by the numpy reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq_host.graph import Edge, Graph, Quant
from edgeq_host.session import Session
from tests.reference import run_graph

Array = NDArray[Any]


def plain(graph: Graph) -> Graph:
    """The same network on float32 alone: constants by their real values, edges without integers."""
    result = graph.copy()
    for name, tensor in graph.tensors.items():
        if tensor.quant is not None:
            data = None if tensor.data is None else tensor.real()
            result.tensors[name] = replace(tensor, data=data, dtype="f32", quant=None)
    result.inputs = [_plain(graph, e) for e in graph.inputs]
    result.outputs = [_plain(graph, e) for e in graph.outputs]
    return result


def _plain(graph: Graph, edge: Edge) -> Edge:
    return replace(edge, dtype="f32") if graph.tensors[edge.tensor].quant is not None else edge


def real(x: Array, edge: Edge, quant: Quant | None) -> Array:
    """What the source's own numbers at an edge stand for."""
    if quant is None or edge.dtype == "f32":
        return x
    shift = 128 if edge.dtype == "u8" else 0
    return np.asarray((x.astype(np.float64) - shift - quant.zero[0]) * quant.scale[0], np.float32)


def step(graph: Graph, k: int = 0) -> float:
    """The scale of an output; the whole of 1 where it has none."""
    quant = graph.tensors[graph.outputs[k].tensor].quant
    return 1.0 if quant is None else float(quant.scale[0])


def on_core(graph: Graph) -> Callable[..., list[Array]]:
    """As `evaluate`, on the C core; for many runs of one graph."""
    session = Session(plain(graph))

    def run(*arrays: Array) -> list[Array]:
        pairs = zip(graph.inputs, arrays, strict=True)
        return session.run(*(real(x, e, graph.tensors[e.tensor].quant) for e, x in pairs))

    return run


def evaluate(graph: Graph, *arrays: Array) -> list[Array]:
    """`arrays` and results as the source has them, but real numbers where it has integers with a scale."""
    given = {}
    for edge, x in zip(graph.inputs, arrays, strict=True):
        given[edge.tensor] = np.transpose(real(x, edge, graph.tensors[edge.tensor].quant), edge.permutation)
    values = run_graph(plain(graph), given)
    return [np.transpose(values[e.tensor], np.argsort(e.permutation)) for e in graph.outputs]
