"""Layers with weights of 4 and 2 bits beside their own int8 and the peers that have such weights: LiteRT (int4, float32 activations that it
quantizes itself) and onnxruntime (MatMulNBits in blocks of 32)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bench import goals, layers
from bench.goals import Goal
from bench.layers import Layer
from bench.measure import Times
from bench.tflite_writer import Net
from edgeq_host.bench import timing
from edgeq_host.bench.litert import LiteRT
from edgeq_host.bench.ort import Ort
from edgeq_host.bench.own import Edgeq
from edgeq_host.graph import Graph
from edgeq_runtime.packing import bounds, pack

Array = NDArray[Any]
FEW = Layer("GEMM 8x1024x1024", "FULLY_CONNECTED", (8, 1024), (1024, 1024))
COLUMNS = ("edgeq", "edgeq s4", "edgeq s4 in groups of 64", "edgeq s2", "litert int4", "onnxruntime 4 bits", "onnxruntime 2 bits")
ALL = (layers.FC, FEW, layers.GEMM, layers.POINT, layers.CONV3)
BLOCK = 32  # inputs of a scale in MatMulNBits
GROUP = 64  # inputs of a multiplier
ACCURACY_INT8 = 4  # its activations as int8
WIDTHS = {"s4": 4, "s2": 2}


def of_layer(made: Graph, dtype: str, groups: int = 0) -> Graph:
    """An int8 layer with weights of another type, all of its integers as likely as any; groups: inputs of each, 0 for none."""
    node = made.nodes[-1] if made.nodes[-1].op.endswith("_s8") else next(n for n in made.nodes if len(n.inputs) == 3)
    weight = made.tensors[node.inputs[1]]
    low, high = bounds(dtype)
    random = np.random.default_rng(3)
    changed = made.copy()
    changed.tensors[weight.name] = replace(weight, dtype=dtype, data=random.integers(low, high + 1, weight.shape, np.int8))
    if groups:
        taps = int(np.prod(weight.shape[1:-1]))
        times = random.integers(1, 128, (weight.shape[0], taps, -(-weight.shape[-1] // groups)), np.uint8)
        changed.tensors["groups"] = replace(weight, name="groups", shape=times.shape, dtype="u8", data=times, quant=None)
        place = changed.nodes.index(node)
        changed.nodes[place] = replace(node, inputs=(*node.inputs, "groups"))
    return changed


def int4_tflite(layer: Layer, folder: Path) -> Path:
    """float32 activations, int4 weights per channel: what LiteRT quantizes as it runs."""
    random = np.random.default_rng(3)
    weights = random.integers(-7, 8, layer.weights, np.int8)
    net = Net()
    x = net.input(layer.x)
    w = net.const(np.frombuffer(pack(weights, "s4"), np.int8), "INT4", scale=np.full(layer.channels, layers.WEIGHT_SCALE), axis=0)
    net.tensors[w].shape = list(layer.weights)
    b = net.const(np.zeros(layer.channels, np.float32))
    y = net.tensor(layer.y)
    options, fields = layers.OPTIONS[layer.op]
    path = folder / f"int4 {layer.name}.tflite"
    path.write_bytes(net.data(net.op(layer.op, [x, w, b], [y], options, **fields)))
    return path


def blocks_onnx(layer: Layer, bits: int) -> onnx.ModelProto:
    """MatMulNBits: x [rows, K] float32, weights of `bits` bits in blocks of 32 with a float32 scale each."""
    rows, (channels, depth) = layer.x[0], layer.weights
    random = np.random.default_rng(3)
    held = random.integers(0, 256, (channels, depth // BLOCK, BLOCK * bits // 8), np.uint8)
    scales = np.full(channels * depth // BLOCK, layers.WEIGHT_SCALE, np.float32)
    constants = [numpy_helper.from_array(held, "w"), numpy_helper.from_array(scales, "scales")]
    attributes: dict[str, Any] = {"K": depth, "N": channels, "bits": bits, "block_size": BLOCK, "accuracy_level": ACCURACY_INT8}
    node = helper.make_node("MatMulNBits", ["x", "w", "scales"], ["y"], domain="com.microsoft", **attributes)
    edges = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", (rows, depth)), ("y", (rows, channels)))]
    made = helper.make_graph([node], "blocks", edges[:1], edges[1:], constants)
    return helper.make_model(made, ir_version=9, opset_imports=[helper.make_opsetid("", 19), helper.make_opsetid("com.microsoft", 1)])


def layer(one: Layer, folder: Path, rounds: int) -> Times:
    int8 = layers.graph(layers.write_tflite(one, folder))
    size = int(np.prod(one.x))
    whole, real = layers.noise(size), layers.real_noise(size)
    engines: dict[str, tuple[Any, bytes]] = {"edgeq": (Edgeq(layers.packed(int8)), whole)}
    for dtype in WIDTHS:
        engines[f"edgeq {dtype}"] = Edgeq(layers.packed(of_layer(int8, dtype))), whole
    if one.weights[-1] > GROUP:
        engines[f"edgeq s4 in groups of {GROUP}"] = Edgeq(layers.packed(of_layer(int8, "s4", GROUP))), whole
    engines["litert int4"] = LiteRT(int4_tflite(one, folder)), real
    if one.op == "FULLY_CONNECTED":
        engines |= {f"onnxruntime {bits} bits": (Ort(blocks_onnx(one, bits)), real) for bits in WIDTHS.values()}
    for engine, data in engines.values():
        engine.fill([data])
    ns = timing.interleave({name: engine.run for name, (engine, _) in engines.items()}, rounds)
    return Times(one, {name: value / 1000 for name, value in ns.items()})


def all_layers(rounds: int) -> dict[str, Times]:
    with tempfile.TemporaryDirectory() as folder:
        return {one.name: layer(one, Path(folder), rounds) for one in ALL}


def of_layers(found: Mapping[str, Times]) -> Iterator[Goal]:
    fc = found[layers.FC.name].us
    yield goals.at_least(f"{layers.FC.name}, 4 bits, of own int8", 1.6, fc["edgeq"] / fc["edgeq s4"])
    yield goals.at_least(f"{layers.FC.name}, 4 bits, of LiteRT's int4", 1.0, fc["litert int4"] / fc["edgeq s4"])
    yield goals.at_least(f"{layers.FC.name}, 4 bits, of onnxruntime's MatMulNBits", 3.0, fc["onnxruntime 4 bits"] / fc["edgeq s4"])
    for one in (FEW, layers.GEMM, layers.POINT, layers.CONV3):
        us = found[one.name].us
        yield goals.at_least(f"{one.name}, 4 bits, of own int8", 0.95, us["edgeq"] / us["edgeq s4"])
        if one.op == "FULLY_CONNECTED":
            ratio = us["onnxruntime 4 bits"] / us["edgeq s4"]
            yield goals.at_least(f"{one.name}, 4 bits, of onnxruntime's MatMulNBits", 3.0, ratio)
        if one.op == "CONV_2D":
            yield goals.at_least(f"{one.name}, 4 bits, of LiteRT's int4", 3.0, us["litert int4"] / us["edgeq s4"])
    yield goals.at_least(f"{layers.FC.name}, 2 bits, of own int8", 1.5, fc["edgeq"] / fc["edgeq s2"])
    yield goals.at_least(f"{layers.FC.name}, 2 bits, of onnxruntime's MatMulNBits", 4.0, fc["onnxruntime 2 bits"] / fc["edgeq s2"])
