"""ONNX QDQ with the integers of an int8 variant: uint8 activations (q + 128), int8 weights per channel, int32 biases."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from edgeq_host.errors import UnsupportedError, UsageError
from edgeq_host.export import read_file, unpack
from edgeq_host.export.read_graph import to_graph
from edgeq_host.exporters.onnx_build import IR_VERSION, OPSET, Build, Refusal, Value, edge_layout
from edgeq_host.exporters.onnx_ops import RULES
from edgeq_host.graph import Edge, Graph, Node
from edgeq_host.inspect import text
from edgeq_host.units import counted

_TYPES = {"f32": TensorProto.FLOAT, "s8": TensorProto.UINT8, "u8": TensorProto.UINT8}

_TAKEN = (
    "variants with activations of 2 to 8 bits can be exported, whatever their weights (int8, w4a8, ternary, w1a8, w4a4), "
    "not a1, a16 or float32"
)
_REASONS = {  # by the ending of an operator
    "_f32": "computes in float32, not in integers",
    "_s16": "has activations of 16 bits, which edgeq does not write as QDQ",
    "_b1": "reads or makes signs, of which ONNX QDQ has no tensors",
}


@dataclass(frozen=True)
class Exported:
    """values: the ONNX value of every tensor of the graph that is computed or comes in."""

    model: onnx.ModelProto
    values: dict[str, Value]


def from_file(path: Path, variant: str = "") -> Exported:
    """A variant of an .eqm file; default: its first. UnsupportedError names every layer that ONNX cannot say."""
    tables = unpack(read_file(path), str(path))
    names = [text(v.name) for v in tables.variants]
    if variant and variant not in names:
        raise UsageError(f"no variant {variant!r} in {path}", f"it has {', '.join(names)}")
    return export(to_graph(tables, tables.variants[names.index(variant) if variant else 0], {}), str(path))


def export(graph: Graph, what: str) -> Exported:
    """what: how to call the graph in an error."""
    build = Build(graph)
    problems: list[str] = []
    inputs = [_input(build, edge, problems) for edge in graph.inputs]
    lost: set[str] = set()
    for node in graph.nodes:
        reason = _refused(build, node, lost)
        if reason:
            problems.append(f"{node.op} '{node.name}': {reason}")
        if reason is not None:
            lost.update(node.outputs)
    outputs = [_output(build, edge) for edge in graph.outputs if edge.tensor not in lost]
    if problems:
        hint = f"{_TAKEN}; of these, what ONNX has operators for (docs/onnx-export.md)"
        raise UnsupportedError(
            f"{what}: no form in ONNX QDQ for {len(problems)} of {counted(len(graph.nodes), 'layer')}", hint, tuple(problems)
        )
    made = helper.make_graph(build.nodes, graph.name or "edgeq", inputs, outputs, build.initializers)
    model = helper.make_model(made, producer_name="edgeq", ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)])
    return Exported(model, build.values)


def _refused(build: Build, node: Node, lost: set[str]) -> str | None:
    """None: exported. Else why not; empty where it only reads what was not."""
    if node.op not in RULES:
        return next((why for ending, why in _REASONS.items() if node.op.endswith(ending)), "has no form in ONNX")
    if any(name in lost for name in node.inputs):
        return ""
    try:
        RULES[node.op](build, node)
    except Refusal as refusal:
        return str(refusal)
    return None


def _input(build: Build, edge: Edge, problems: list[str]) -> onnx.ValueInfoProto:
    """Integers come in as uint8, floats are quantized."""
    tensor, name, layout = build.graph.tensors[edge.tensor], build.fresh(edge.name), edge_layout(edge)
    if edge.dtype not in _TYPES or tensor.dtype not in ("s8", "f32") or (edge.dtype != "f32" and tensor.dtype == "f32"):
        problems.append(f"input '{edge.name}': {edge.dtype} outside and {tensor.dtype} inside have no form in ONNX QDQ")
    build.values[edge.tensor] = Value(name, layout)
    if edge.dtype == "f32" and tensor.dtype == "s8":
        build.write(Node("quantize_s8", edge.name, (), (edge.tensor,)), name, layout)
    return helper.make_tensor_value_info(name, _TYPES.get(edge.dtype, TensorProto.FLOAT), edge.shape)


def _output(build: Build, edge: Edge) -> onnx.ValueInfoProto:
    layout, name = edge_layout(edge), build.fresh(edge.name)
    held = build.real(edge.tensor, layout) if edge.dtype == "f32" else build.stored(edge.tensor, layout)
    build.nodes.append(helper.make_node("Identity", [held], [name], name))
    return helper.make_tensor_value_info(name, _TYPES.get(edge.dtype, TensorProto.FLOAT), edge.shape)
