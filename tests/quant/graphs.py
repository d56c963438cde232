"""Small float graphs, built by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeq_host.graph import Array, Edge, Graph, Node, Quant, Tensor

WINDOW = {"stride_h": 1, "stride_w": 1, "dilation_h": 1, "dilation_w": 1, "pad_top": 0, "pad_left": 0, "pad_bottom": 0, "pad_right": 0}
OPEN: dict[str, Any] = {"lo": -np.inf, "hi": np.inf}
RELU: dict[str, Any] = {"lo": 0.0, "hi": np.inf}


class Net:
    """Adds tensors and nodes; `graph(outputs)` ends it. Every tensor keeps its own layout at the edges."""

    def __init__(self, seed: int = 1) -> None:
        self.random = np.random.default_rng(seed)
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.inputs: list[Edge] = []

    def input(self, name: str, shape: tuple[int, ...], quant: Quant | None = None, dtype: str = "f32") -> str:
        self.tensors[name] = Tensor(name, shape, "f32", None, quant)
        self.inputs.append(Edge(name, name, shape, tuple(range(len(shape))), dtype))
        return name

    def constant(self, name: str, data: Array, quant: Quant | None = None) -> str:
        dtype = {"float32": "f32", "int8": "s8", "int32": "s32"}[str(data.dtype)]
        self.tensors[name] = Tensor(name, data.shape, dtype, data, quant)
        return name

    def node(self, op: str, inputs: list[str], output: str, shape: tuple[int, ...], quant: Quant | None = None, **attrs: Any) -> str:
        self.tensors[output] = Tensor(output, shape, "f32", None, quant)
        self.nodes.append(Node(op, f"{output}.node", tuple(inputs), (output,), attrs))
        return output

    def normal(self, *shape: int) -> Array:
        return self.random.normal(size=shape).astype(np.float32)

    def conv(self, x: str, output: str, channels: int, size: int = 3, pad: int = 0, **attrs: Any) -> str:
        n, h, w, c = self.tensors[x].shape
        weight = self.constant(f"{output}.w", self.normal(channels, size, size, c) / np.float32(size * np.sqrt(c)))
        bias = self.constant(f"{output}.b", self.normal(channels))
        shape = (n, h + 2 * pad - size + 1, w + 2 * pad - size + 1, channels)
        pads = dict.fromkeys(("pad_top", "pad_left", "pad_bottom", "pad_right"), pad)
        return self.node("conv2d_f32", [x, weight, bias], output, shape, **({**WINDOW, **pads, "groups": 1, **RELU} | attrs))

    def dense(self, x: str, output: str, channels: int) -> str:
        shape = self.tensors[x].shape
        weight, bias = self.constant(f"{output}.w", self.normal(channels, shape[-1])), self.constant(f"{output}.b", self.normal(channels))
        return self.node("fully_connected_f32", [x, weight, bias], output, (*shape[:-1], channels), **OPEN)

    def graph(self, *outputs: str) -> Graph:
        edges = [Edge(o, o, self.tensors[o].shape, tuple(range(len(self.tensors[o].shape))), "f32") for o in outputs]
        graph = Graph("net", self.tensors, self.nodes, self.inputs, edges)
        graph.validate()
        return graph


def scale(value: float, zero: int = 0) -> Quant:
    return Quant(np.array([value]), np.array([zero], np.int64))


def residual() -> Graph:
    """A classifier with a residual sum, a concat, pooling and softmax."""
    net = Net()
    x = net.input("x", (1, 8, 8, 3))
    a = net.conv(x, "a", 8, pad=1)
    b = net.conv(a, "b", 8, pad=1)
    s = net.node("add_f32", [a, b], "s", (1, 8, 8, 8), **RELU)
    c = net.node("concat", [s, a], "c", (1, 8, 8, 16), axis=3)
    kernel = {"kernel_h": 2, "kernel_w": 2} | WINDOW | {"stride_h": 2, "stride_w": 2}
    p = net.node("max_pool2d_f32", [c], "p", (1, 4, 4, 16), **kernel, **OPEN)
    m = net.node("reduce_f32", [p], "m", (1, 16), kind=1, axes=0b0110)
    d = net.dense(m, "d", 5)
    return net.graph(net.node("softmax_f32", [d], "y", (1, 5)))


def samples(graph: Graph, count: int, seed: int = 7) -> list[list[Array]]:
    random = np.random.default_rng(seed)
    return [[random.normal(size=e.shape).astype(np.float32) for e in graph.inputs] for _ in range(count)]
