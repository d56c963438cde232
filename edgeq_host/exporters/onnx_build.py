"""An ONNX graph in the making: uint8 values, the float values between them, and which axis is which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from edgeq_host.graph import Array, Edge, Graph, Node, free_name

OPSET = 19
IR_VERSION = 9
SHIFT = 128  # q as int8 is q + 128 as uint8
NCHW = (0, 3, 1, 2)

Layout = tuple[int, ...]


class Refusal(Exception):
    """Raised by a rule for the layer at hand: why ONNX cannot say it."""


@dataclass(frozen=True)
class Value:
    """The ONNX value of a tensor: uint8 for an int8 tensor, else float. layout[j]: the tensor's axis that axis j is."""

    name: str
    layout: Layout


def identity(rank: int) -> Layout:
    return tuple(range(rank))


def edge_layout(edge: Edge) -> Layout:
    """The layout of a value that lies as the source's input or output does."""
    return tuple(edge.permutation.index(axis) for axis in range(len(edge.permutation)))


class Build:
    """Rules read with `real` or `stored` and end with `write`. Names are unique; a tensor keeps its own where it is free."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.values: dict[str, Value] = {}
        self._taken: set[str] = set()
        self._scalars: dict[tuple[str, float], str] = {}
        self._made: dict[tuple[str, str], str] = {}

    def fresh(self, base: str) -> str:
        return free_name(base, self._taken)

    def constant(self, data: Array, base: str) -> str:
        name = self.fresh(base)
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(data).reshape(data.shape), name))
        return name

    def scalar(self, value: float, kind: Any) -> str:
        key = (np.dtype(kind).name, float(value))
        if key not in self._scalars:
            self._scalars[key] = self.constant(np.array(value, kind), f"{key[0]}_{value:.8g}")
        return self._scalars[key]

    def node(self, op: str, inputs: Sequence[str], base: str, **attrs: Any) -> str:
        """Append a node; the name of its output."""
        name = self.fresh(base)
        self.nodes.append(helper.make_node(op, list(inputs), [name], name, **attrs))
        return name

    def once(self, op: str, inputs: Sequence[str], base: str, key: str, **attrs: Any) -> str:
        """A node that several readers of inputs[0] share; key: what sets it apart from others of its kind."""
        place = (inputs[0], f"{op} {key}")
        if place not in self._made:
            self._made[place] = self.node(op, inputs, base, **attrs)
        return self._made[place]

    def shape(self, tensor: str) -> tuple[int, ...]:
        return self.graph.tensors[tensor].shape

    def affine(self, tensor: str) -> tuple[float, int]:
        """Scale and int8 zero point of an activation."""
        quant = self.graph.tensors[tensor].quant
        if quant is None or quant.scale.size != 1:
            raise Refusal(f"the file has no scale for its tensor {tensor}")
        return float(np.float32(quant.scale[0])), int(quant.zero[0])

    def parameters(self, tensor: str) -> tuple[float, int] | tuple[()]:
        """affine for `real`, of any tensor: a float one has none."""
        return self.affine(tensor) if self.graph.tensors[tensor].dtype == "s8" else ()

    def layout(self, tensor: str) -> Layout:
        """As the value lies now; constants can have any."""
        return self.values[tensor].layout if tensor in self.values else identity(len(self.shape(tensor)))

    def stored(self, tensor: str, layout: Layout) -> str:
        """The value in a layout; a tensor of lower rank gets leading axes of length 1, as broadcasting does."""
        held = self.graph.tensors[tensor]
        self._check_type(tensor)
        shape = (1,) * (len(layout) - len(held.shape)) + held.shape
        if held.data is not None:
            data = np.asarray(held.data)
            data = (data.astype(np.int16) + SHIFT).astype(np.uint8) if held.dtype == "s8" else data
            return self.constant(data.reshape(shape).transpose(layout), tensor)
        value = self.values[tensor]
        if len(shape) != len(held.shape):
            flat = self.reshaped(self._permuted(value, held.shape, identity(len(held.shape))), shape)
            value = Value(flat, identity(len(shape)))
        return self._permuted(value, shape, layout)

    def _check_type(self, tensor: str) -> None:
        if self.graph.tensors[tensor].dtype not in ("s8", "f32"):
            raise Refusal(f"its tensor {tensor} has type {self.graph.tensors[tensor].dtype}")

    def _permuted(self, value: Value, shape: tuple[int, ...], layout: Layout) -> str:
        if value.layout == layout:
            return value.name
        if [a for a in value.layout if shape[a] != 1] == [a for a in layout if shape[a] != 1]:
            return self.reshaped(value.name, tuple(shape[a] for a in layout))
        order = [value.layout.index(a) for a in layout]
        return self.once("Transpose", [value.name], f"{value.name}/transposed", str(order), perm=order)

    def flat(self, tensor: str) -> str:
        """A value whose bytes have the order of the tensor's own axes, whatever its shape."""
        layout, shape = self.layout(tensor), self.shape(tensor)
        axes = [a for a in layout if shape[a] != 1]
        return self.stored(tensor, layout if axes == sorted(axes) else identity(len(shape)))

    def reshaped(self, name: str, shape: tuple[int, ...]) -> str:
        target = self.constant(np.array(shape, np.int64), f"{name}/shape")
        return self.once("Reshape", [name, target], f"{name}/reshaped", str(shape))

    def dequantized(self, name: str, scale: float, zero: int) -> str:
        """zero: as int8."""
        inputs = [name, self.scalar(scale, np.float32), self.scalar(zero + SHIFT, np.uint8)]
        return self.once("DequantizeLinear", inputs, f"{name}/real", f"{scale} {zero}")

    def real(self, tensor: str, layout: Layout, scale: float | None = None, zero: int | None = None) -> str:
        """The float value of a tensor. scale, zero: where the file has none, as for constants."""
        name = self.stored(tensor, layout)
        if self.graph.tensors[tensor].dtype == "f32":
            return name
        if scale is None or zero is None:
            scale, zero = self.affine(tensor)
        return self.dequantized(name, scale, zero)

    def write(self, node: Node, real: str, layout: Layout, lo: int = -128, hi: int = 127) -> None:
        """The output of a node from its float value: quantized, then clamped in integers."""
        tensor = node.outputs[0]
        self._check_type(tensor)
        if self.graph.tensors[tensor].dtype == "f32":
            self.values[tensor] = Value(real, layout)
            return
        scale, zero = self.affine(tensor)
        inputs = [real, self.scalar(scale, np.float32), self.scalar(zero + SHIFT, np.uint8)]
        clamped = (lo, hi) != (-128, 127)
        name = self.node("QuantizeLinear", inputs, f"{tensor}/unclamped" if clamped else tensor)
        self.write_stored(node, self.clamped(name, tensor, lo, hi) if clamped else name, layout)

    def clamped(self, name: str, base: str, lo: int, hi: int) -> str:
        return self.node("Clip", [name, self.scalar(lo + SHIFT, np.uint8), self.scalar(hi + SHIFT, np.uint8)], base)

    def write_stored(self, node: Node, name: str, layout: Layout) -> None:
        """The output of a node from its uint8 value."""
        self.values[node.outputs[0]] = Value(name, layout)

    def same_scale(self, found: float, wanted: float, what: str, tolerance: float = 1e-4) -> None:
        """A factor in the file and the one that its scales give must be the same number, or the scales say nothing."""
        if not abs(found - wanted) <= tolerance * max(abs(found), abs(wanted)):
            raise Refusal(f"{what} is {found:.6g}, the scales in the file give {wanted:.6g}")


def factor(m: Any, n: Any) -> Any:
    """The real number of a requantization pair (SPEC.md 1.2)."""
    return np.asarray(m, np.float64) * 2.0 ** -(31.0 + np.asarray(n, np.float64))
