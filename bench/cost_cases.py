"""The layers and operators whose costs bench.costs takes, as packed models with int8 edges (float32 ones for float32 layers)."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench import layers, signs
from bench.layers import Layer
from edgeq_host.bench.problems import Size
from edgeq_host.export import Bundle, Variant, to_bytes, unpack
from edgeq_host.export.read_graph import to_graph
from edgeq_host.graph import Edge, Graph, Node, Tensor
from edgeq_host.importers import load
from edgeq_host.produce import Source, pack_graph
from edgeq_host.recipe import Recipe
from edgeq_runtime import lists

NESTED, SIGNS, SIGNS_TO_INT8 = "nested", "signs", "signs to int8"
OF_SIGNS, INT16 = (SIGNS, SIGNS_TO_INT8), "w8a16"
PRECISIONS = {
    "gemm": {
        "int8": "s8_s16_s8",
        "w4a8": "s8_s16_s4",
        "w2a8": "s8_s16_s2",
        "w1a8": "s8_s16_b1",
        NESTED: "s8_s16_s4x2",
        INT16: "s16_s16_s8",
        SIGNS: "b1_b1_b1",
        SIGNS_TO_INT8: "s8_b1_b1",
        "float32": "f32_f32_f32",
    },
    "dwconv": {
        "int8": "s8_s8_s8",
        "w4a8": "s8_s8_s4",
        NESTED: "s8_s8_s4x2",
        INT16: "s16_s16_s8",
        "float32": "f32_f32_f32",
    },
}  # kernels in the portable row
PLAIN = ("add", "mul", "clip", "max_pool2d", "avg_pool2d", "reduce", "quantize", "dequantize", "requantize", "lookup")
OPERATORS = (*(f"{name}_s16" for name in PLAIN), *(f"{name}_s8" for name in PLAIN), "sign_b1", "unpack_s8")
WITH_KERNELS = ("add_s8", "max_pool2d_s8", "avg_pool2d_s8", "reduce_s8", "requantize_s8", "lookup_s8")
SHAPE, LEAST = (1, 16, 16, 32), (1, 1, 1, 1)
FIELDS: dict[str, float] = {
    **dict.fromkeys(("kernel_h", "kernel_w"), 3),
    **dict.fromkeys((*signs.FREE, *signs.PADS), 1),
    **{"m": 1 << 30, "n": 8, "a_mul": 16384, "b_mul": 16384, "shift": 15, "kind": 1, "axes": 6, "scale": 0.05, "plus": 1, "minus": -1},
}


def layer(kind: str, size: Size, precision: str, again: bool = False) -> bytes:
    """A convolution of 3x3 taps with so many pixels, channels and inputs, or fully connected with one pixel, alone in its model beside what
    converts int8 edges. again: a second time, with outputs that nobody reads."""
    made, nested = _layer(kind, size), precision == NESTED
    recipe = Recipe("int8,w4a8", nested=True, int8_ends=False) if nested else Recipe(precision, int8_ends=False, step=())
    with tempfile.TemporaryDirectory() as folder:
        path = layers.write_tflite(made, Path(folder), real=nested or precision == "float32")
        data = pack_graph(load(path), Source(path, recipe, "random" if nested else None)).data
    return _twice(data) if again else data


def _twice(data: bytes) -> bytes:
    model = unpack(data, "layer")
    graph = to_graph(model, model.variants[0], {})
    at, node = next((i, node) for i, node in enumerate(graph.nodes) if len(node.inputs) > 1)
    y = graph.tensors[node.outputs[0]]
    graph.tensors["again"] = replace(y, name="again")
    graph.nodes.insert(at, replace(node, name="again", outputs=("again",)))
    return _packed(graph)


def of_signs(size: Size, precision: str, count: int) -> bytes:
    """Packing and unpacking of an input, and so many convolutions of it whose outputs nobody reads."""
    pixels, channels, inputs = size
    made = signs.graph(_layer("gemm", size) if pixels > 1 else Layer("layer", "CONV_2D", (1, 1, 1, inputs), (channels, 1, 1, inputs)))
    conv = made.nodes[1]
    if precision == SIGNS_TO_INT8:
        made.tensors["limits"] = Tensor("limits", (9 * channels,), "u8", np.frombuffer(_parameters(channels), np.uint8))
    for i in range(count):
        y = made.tensors["y signs"]
        made.tensors[f"y{i}"] = replace(y, name=f"y{i}", dtype="b1" if precision == SIGNS else "s8")
    made.tensors["y"] = replace(made.tensors["x"], name="y")
    copies = [replace(conv, name=f"conv {i}", outputs=(f"y{i}",)) for i in range(count)]
    last = replace(made.nodes[2], inputs=("x signs",))
    made.outputs[:] = [replace(made.outputs[0], shape=made.tensors["x"].shape)]
    made.nodes[:] = [made.nodes[0], *copies, last]
    return _packed(made, {"y signs"} | (set() if count else {"w", "limits"}))


def _parameters(channels: int) -> bytes:
    """Biases, multipliers of a half and shifts, as a device reads them."""
    return np.zeros(channels, "<i4").tobytes() + np.full(channels, 1 << 30, "<i4").tobytes() + np.full(channels, 8, np.int8).tobytes()


def operators(op: str, count: int, shape: tuple[int, ...] = SHAPE) -> bytes:
    """So many of an operator, on the same inputs; nobody reads their outputs. Beside it a clip."""
    kinds = _types(op)
    tensors = {"x": Tensor("x", shape, "s8"), "y": Tensor("y", shape, "s8")}
    nodes = [Node("clip_s8", "clip", ("x",), ("y",), {"lo": -128, "hi": 127})]
    value = "x"
    if kinds[0] != "s8":
        value = "in"
        tensors["in"] = Tensor("in", shape, kinds[0])
        via = {"s16": "requantize_s16", "f32": "dequantize_s8", "b1": "sign_b1"}[kinds[0]]
        nodes.append(_node(via, "in", tensors, "x"))
    for i in range(count):
        y = (1, shape[-1]) if op.startswith("reduce") else shape
        tensors[f"y{i}"] = Tensor(f"y{i}", y, kinds[1])
        nodes.append(_node(op, f"y{i}", tensors, value))
    edges = [Edge(name, name, shape, (0, 1, 2, 3), "s8") for name in ("x", "y")]
    return _packed(Graph("operators", tensors, nodes, edges[:1], edges[1:]))


def read(op: str) -> int:
    """Elements that it reads: of two inputs, of one."""
    return math.prod(SHAPE) * (9 if "pool" in op else 1)


def _types(op: str) -> tuple[str, str]:
    """Of input and output."""
    name, _, kind = op.rpartition("_")
    if op in ("sign_b1", "unpack_s8"):
        return ("s8", "b1") if op == "sign_b1" else ("b1", "s8")
    return {"quantize": ("f32", kind), "dequantize": (kind, "f32")}.get(name, (kind, kind))


def _node(op: str, y: str, tensors: dict[str, Tensor], x: str) -> Node:
    fields = {f.name: FIELDS.get(f.name, 0) for f in lists.ops()[op].fields}
    wide = tensors[y].dtype == "s16"
    fields |= {"hi": 32767 if wide else 127} if "hi" in fields else {}  # lo is 0, as of ReLU: half of noise is below
    inputs = (x, x) if lists.ops()[op].inputs_min == 2 and not op.startswith(("lookup", "sign")) else (x,)
    if op.startswith("lookup"):
        data = np.zeros(513, np.int16) if wide else np.zeros(256, np.int8)
        tensors["table"] = Tensor("table", data.shape, "s16" if wide else "s8", data)
        inputs = (x, "table")
    if op == "sign_b1":
        tensors["zero"] = Tensor("zero", SHAPE[-1:], "s16", np.zeros(SHAPE[-1], np.int16))
        inputs = (x, "zero")
    return Node(op, y, inputs, (y,), fields)


def _packed(graph: Graph, without: Collection[str] = ()) -> bytes:
    made = replace(graph, tensors={name: t for name, t in graph.tensors.items() if name not in without})
    return to_bytes(Bundle("costs", [Variant("it", made)]))


def _layer(kind: str, size: Size) -> Layer:
    pixels, channels, inputs = size
    side = math.isqrt(pixels)
    if kind == "dwconv":
        return Layer("layer", "DEPTHWISE_CONV_2D", (1, side, side, channels), (1, 3, 3, channels))
    if pixels == 1:
        return Layer("layer", "FULLY_CONNECTED", (1, inputs), (channels, inputs))
    return Layer("layer", "CONV_2D", (1, side, side, inputs // 9), (channels, 3, 3, inputs // 9))
