"""An exported graph on onnxruntime, beside ours: every activation in our layout and type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from edgeq_host.exporters.onnx import Exported, export
from edgeq_host.graph import Edge, Graph, Node
from edgeq_host.session import Session

onnxruntime = pytest.importorskip("onnxruntime")
Array = NDArray[Any]


def session(model: onnx.ModelProto) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def as_fed(x: Array) -> Array:
    """int8 goes in as uint8."""
    return (x.astype(np.int16) + 128).astype(np.uint8) if x.dtype == np.int8 else x


def as_ours(y: Array) -> Array:
    return (y.astype(np.int16) - 128).astype(np.int8) if y.dtype == np.uint8 else y


def outputs(exported: Exported, inputs: list[Array]) -> list[Array]:
    """Of the whole model, integers as int8."""
    run = session(exported.model)
    feed = {i.name: as_fed(x) for i, x in zip(run.get_inputs(), inputs, strict=True)}
    return [as_ours(y) for y in run.run(None, feed)]


@dataclass(frozen=True)
class Compared:
    """A layer by itself: the largest difference of its integers, and how many differ."""

    node: Node
    largest: int
    different: int
    total: int


def layers(graph: Graph, inputs: list[Array]) -> list[Compared]:
    """Every layer alone on onnxruntime, with the activations that it has on our core."""
    ours = Session(graph, keep_all=True)
    ours.run(*inputs)
    return [_alone(graph, node, ours) for node in graph.nodes]


def _alone(graph: Graph, node: Node, ours: Session) -> Compared:
    names = list(dict.fromkeys(n for n in node.inputs if graph.tensors[n].data is None))
    part = Graph("layer", {n: graph.tensors[n] for n in (*node.inputs, *node.outputs)}, [node], [], [])
    part.inputs = [_edge(graph, f"in{i}", n) for i, n in enumerate(names)]
    part.outputs = [_edge(graph, "out", node.outputs[0])]
    (found,) = outputs(export(part, node.name), [ours.tensor(n) for n in names])
    apart = np.abs(found.astype(np.float64) - ours.tensor(node.outputs[0]).astype(np.float64))
    return Compared(node, int(apart.max()), int((apart > 0).sum()), apart.size)


def _edge(graph: Graph, name: str, tensor: str) -> Edge:
    held = graph.tensors[tensor]
    return Edge(name, tensor, held.shape, tuple(range(len(held.shape))), held.dtype)
