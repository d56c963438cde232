"""Operators whose function is a table: the function where the table is exactly its, else the table."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from edgeq_host.exporters.onnx_build import SHIFT, Build, Refusal
from edgeq_host.exporters.onnx_ops._shared import common_layout
from edgeq_host.graph import Array, Node
from edgeq_host.quant import tables
from edgeq_host.quant.affine import Affine
from edgeq_runtime.ops import reference

_KNOWN = {"sigmoid_f32": "Sigmoid", "tanh_f32": "Tanh", "hard_swish_f32": "HardSwish"}
_ALL = np.arange(-128, 128).astype(np.int8)


def _constant(b: Build, name: str) -> Array:
    data = b.graph.tensors[name].data
    if data is None:
        raise Refusal("its table is computed at run time")
    return np.asarray(data)


def _as_u8(table: Array) -> Array:
    return (table.astype(np.int16) + SHIFT).astype(np.uint8)


def lookup(b: Build, node: Node) -> None:
    table, layout = _constant(b, node.inputs[1]), b.layout(node.inputs[0])
    known = _function(b, node, table)
    if known is not None:
        b.write(node, b.node(known, [b.real(node.inputs[0], layout)], f"{node.outputs[0]}/real"), layout)
        return
    index = _index(b, b.stored(node.inputs[0], layout))
    b.write_stored(node, b.node("Gather", [b.constant(_as_u8(table), f"{node.outputs[0]}/table"), index], node.outputs[0]), layout)


def _index(b: Build, name: str) -> str:
    return b.once("Cast", [name], f"{name}/index", "int32", to=TensorProto.INT32)


def _function(b: Build, node: Node, table: Array) -> str | None:
    """The ONNX operator whose table, made as the quantizer does, is this one."""
    x, y = (Affine(*b.affine(name)) for name in (node.inputs[0], node.outputs[0]))
    for op, name in _KNOWN.items():
        if np.array_equal(y.quantize(reference(op)({}, [x.dequantize(_ALL)], _ALL.shape)), table.reshape(-1)):
            return name
    return None


def lookup2(b: Build, node: Node) -> None:
    table, layout = _constant(b, node.inputs[2]), common_layout(b, node)
    first, second = (_index(b, b.stored(name, layout)) for name in node.inputs[:2])
    high = b.node("Mul", [first, b.scalar(256, np.int32)], f"{node.outputs[0]}/high")
    index = b.node("Add", [high, second], f"{node.outputs[0]}/index")
    b.write_stored(node, b.node("Gather", [b.constant(_as_u8(table), f"{node.outputs[0]}/table"), index], node.outputs[0]), layout)


def softmax(b: Build, node: Node) -> None:
    scale, zero = b.affine(node.inputs[0])
    if not np.array_equal(tables.softmax(Affine(scale, zero)), _constant(b, node.inputs[1]).reshape(-1)):
        raise Refusal("its table of exponentials is not that of its input's scale")
    layout = b.layout(node.inputs[0])
    y = b.node("Softmax", [b.real(node.inputs[0], layout)], f"{node.outputs[0]}/real", axis=layout.index(len(layout) - 1))
    b.write(node, y, layout)


RULES = {"lookup_s8": lookup, "lookup2_s8": lookup2, "softmax_s8": softmax}
