"""Single layers as every engine takes them: an int8 .tflite for LiteRT, imported by edgeq, and from that the QDQ model of onnxruntime."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bench.tflite_writer import Net
from edgeq_host.export import Bundle, Variant, to_bytes
from edgeq_host.exporters.onnx import export
from edgeq_host.graph import Graph
from edgeq_host.importers import load
from edgeq_host.quant import quantize
from edgeq_host.recipe import Recipe

Array = NDArray[Any]
SCALE, WEIGHT_SCALE = 0.05, 0.01
SIGNED, UNSIGNED = TensorProto.INT8, TensorProto.UINT8


@dataclass(frozen=True)
class Layer:
    """x, y: shapes with channels last. weights: [O, KH, KW, C], depthwise [1, KH, KW, C], fully connected [O, K]."""

    name: str
    op: str
    x: tuple[int, ...]
    weights: tuple[int, ...]

    @property
    def channels(self) -> int:
        return self.weights[3] if self.op == "DEPTHWISE_CONV_2D" else self.weights[0]

    @property
    def y(self) -> tuple[int, ...]:
        return (*self.x[:-1], self.channels)

    @property
    def macs(self) -> int:
        taps = self.weights[1] * self.weights[2] if self.op == "DEPTHWISE_CONV_2D" else int(np.prod(self.weights[1:]))
        return int(np.prod(self.y)) * taps


CONV3 = Layer("3x3 28x28x128 to 128", "CONV_2D", (1, 28, 28, 128), (128, 3, 3, 128))
GEMM = Layer("GEMM 256x1024x1024", "FULLY_CONNECTED", (256, 1024), (1024, 1024))
POINT = Layer("1x1 56x56x64 to 128", "CONV_2D", (1, 56, 56, 64), (128, 1, 1, 64))
POINT_32 = Layer("1x1 56x56x32 to 64", "CONV_2D", (1, 56, 56, 32), (64, 1, 1, 32))
DEPTHWISE = Layer("depthwise 3x3 56x56x128", "DEPTHWISE_CONV_2D", (1, 56, 56, 128), (1, 3, 3, 128))
FC = Layer("FC 1x1024 to 1024", "FULLY_CONNECTED", (1, 1024), (1024, 1024))
ALL = (CONV3, GEMM, POINT, POINT_32, DEPTHWISE, FC)

OPTIONS: dict[str, tuple[str, dict[str, int]]] = {
    "CONV_2D": ("Conv2DOptions", {"strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1}),
    "DEPTHWISE_CONV_2D": (
        "DepthwiseConv2DOptions",
        {"strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1, "depthMultiplier": 1},
    ),
    "FULLY_CONNECTED": ("FullyConnectedOptions", {}),
}


def _values(layer: Layer) -> tuple[Array, Array]:
    random = np.random.default_rng(1)
    return random.integers(-127, 128, layer.weights).astype(np.int8), random.integers(-1000, 1000, layer.channels).astype(np.int32)


def write_tflite(layer: Layer, folder: Path, real: bool = False) -> Path:
    """real: float32 with the same values."""
    weights, bias = _values(layer)
    net = Net()
    if real:
        x = net.input(layer.x)
        w, b = net.const(weights.astype(np.float32) * np.float32(WEIGHT_SCALE)), net.const(bias.astype(np.float32))
        y = net.tensor(layer.y)
    else:
        x = net.input(layer.x, "INT8", scale=SCALE, zero=3)
        scales = np.full(layer.channels, WEIGHT_SCALE)
        w = net.const(weights, scale=scales, axis=3 if layer.op == "DEPTHWISE_CONV_2D" else 0)
        b = net.const(bias, scale=scales * SCALE)
        y = net.tensor(layer.y, "INT8", scale=_output_scale(layer), zero=-3)
    options, fields = OPTIONS[layer.op]
    path = folder / f"{'real' if real else 'int8'} {layer.name}.tflite"
    path.write_bytes(net.data(net.op(layer.op, [x, w, b], [y], options, **fields)))
    return path


def _output_scale(layer: Layer) -> float:
    """Noise fills the int8 range of the output, so that no engine may skip what would only saturate."""
    deviation = 73.3 * SCALE * 73.3 * WEIGHT_SCALE * float(np.sqrt(layer.macs / np.prod(layer.y)))
    return deviation / 40


def graph(path: Path, unsigned: bool = False) -> Graph:
    """The int8 graph of a .tflite; unsigned: as if the source were uint8."""
    made = quantize(load(path), None, Recipe())
    if unsigned:
        made.inputs = [replace(e, dtype="u8") for e in made.inputs]
        made.outputs = [replace(e, dtype="u8") for e in made.outputs]
    return made


def packed(made: Graph) -> bytes:
    return to_bytes(Bundle("layer", [Variant("int8", made)]))


def qdq(made: Graph, signed: bool = False) -> onnx.ModelProto:
    """signed: int8 activations in place of uint8 ones; everything else alike."""
    model = export(made, "layer").model
    if signed:
        for i, held in enumerate(model.graph.initializer):
            if held.data_type == UNSIGNED:
                data = (numpy_helper.to_array(held).astype(np.int16) - 128).astype(np.int8)
                model.graph.initializer[i].CopyFrom(numpy_helper.from_array(data, held.name))
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.elem_type = SIGNED
    return model


def real_onnx(layer: Layer) -> onnx.ModelProto:
    """A depthwise layer in float32."""
    weights, bias = _values(layer)
    n, h, w, c = layer.x
    data = weights.transpose(3, 0, 1, 2).astype(np.float32) * np.float32(WEIGHT_SCALE)
    constants = [numpy_helper.from_array(data, "w"), numpy_helper.from_array(bias.astype(np.float32), "b")]
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"], group=c, pads=[1, 1, 1, 1])
    edges = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (n, c, h, w)) for name in ("x", "y")]
    made = helper.make_graph([node], "layer", edges[:1], edges[1:], constants)
    return helper.make_model(made, ir_version=9, opset_imports=[helper.make_opsetid("", 19)])


def noise(size: int) -> bytes:
    return np.random.default_rng(2).integers(0, 256, size, np.uint8).tobytes()


def real_noise(count: int) -> bytes:
    return np.random.default_rng(2).normal(size=count).astype(np.float32).tobytes()
