"""One int8 layer at a time against TFLite: accumulators in numpy, TFLite's rounding, and the layer alone on the C core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq_host.graph import Edge, Graph, Node
from edgeq_host.session import Session
from edgeq_runtime.rounding import requantize

Array = NDArray[Any]
LAYERS = ("conv2d_s8", "depthwise_conv2d_s8", "fully_connected_s8")


@dataclass(frozen=True)
class Layer:
    """A convolution, depthwise or fully-connected node with its constants."""

    node: Node
    weights: Array
    bias: Array
    m: Array
    n: Array

    @classmethod
    def of(cls, graph: Graph, node: Node) -> Layer:
        blob = np.asarray(graph.tensors[node.inputs[2]].data).tobytes()
        channels = len(blob) // 9
        bias, m = (np.frombuffer(blob, "<i4", channels, 4 * channels * k).astype(np.int64) for k in (0, 1))
        n = np.frombuffer(blob, np.int8, channels, 8 * channels).astype(np.int64)
        weights = np.asarray(graph.tensors[node.inputs[1]].data).astype(np.float64) - node.attrs["w_zero"]
        return cls(node, weights, bias, m, n)

    def accumulators(self, x: Array) -> Array:
        """Exact: every sum is below 2^31, far inside what float64 holds."""
        centred = x.astype(np.float64) - self.node.attrs["x_zero"]
        found = centred @ self.weights.T if self.node.op == "fully_connected_s8" else _windows(self, centred)
        return np.asarray(found).astype(np.int64) + self.bias

    def finish(self, rounded: Array) -> Array:
        a = self.node.attrs
        return np.clip(rounded + a["y_zero"], a["lo"], a["hi"]).astype(np.int8)

    def single(self, acc: Array) -> Array:
        return self.finish(requantize(acc, self.m, self.n))

    def double(self, acc: Array) -> Array:
        return self.finish(rounded_twice(acc, self.m, self.n))


def _windows(layer: Layer, x: Array) -> Array:
    a = layer.node.attrs
    padded = np.pad(x, ((0, 0), (a["pad_top"], a["pad_bottom"]), (a["pad_left"], a["pad_right"]), (0, 0)))
    depthwise = layer.node.op == "depthwise_conv2d_s8"
    kh, kw = layer.weights.shape[:2] if depthwise else layer.weights.shape[1:3]
    sizes = [
        (padded.shape[1 + i] - (k - 1) * a[f"dilation_{s}"] - 1) // a[f"stride_{s}"] + 1 for i, (s, k) in enumerate((("h", kh), ("w", kw)))
    ]
    total: Array = np.zeros(())
    for ky in range(kh):
        for kx in range(kw):
            y0, x0 = ky * a["dilation_h"], kx * a["dilation_w"]
            rows = slice(y0, y0 + (sizes[0] - 1) * a["stride_h"] + 1, a["stride_h"])
            columns = slice(x0, x0 + (sizes[1] - 1) * a["stride_w"] + 1, a["stride_w"])
            total = total + _tap(layer, padded[:, rows, columns], ky, kx)
    return total


def _tap(layer: Layer, x: Array, ky: int, kx: int) -> Array:
    if layer.node.op == "depthwise_conv2d_s8":
        w = layer.weights[ky, kx]
        return np.repeat(x, len(w) // x.shape[-1], axis=-1) * w
    w = layer.weights[:, ky, kx]
    groups = layer.node.attrs["groups"]
    parts = zip(np.split(x, groups, axis=-1), np.split(w, groups), strict=True)
    return np.concatenate([part @ rows.T for part, rows in parts], axis=-1)


def rounded_twice(acc: Array, m: Array, n: Array) -> Array:
    """TFLite's: the doubled high half of the product, rounded away from zero at ties, then shifted right, rounded again."""
    product = (acc << np.maximum(-n, 0)) * m
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    high = np.where(nudged >= 0, nudged >> 31, -(-nudged >> 31))  # C divides toward zero
    shift = np.maximum(n, 0)
    mask = (np.int64(1) << shift) - 1
    threshold = (mask >> 1) + (high < 0)
    return np.asarray((high >> shift) + ((high & mask) > threshold))


def multiplier(scale: float) -> tuple[int, int]:
    """TFLite's quantized multiplier and the right shift behind its 31 bits."""
    fraction, exponent = np.frexp(scale)
    m = int(np.floor(fraction * 2**31 + 0.5))  # std::round of a positive number
    return (2**30, -int(exponent) - 1) if m == 2**31 else (m, -int(exponent))


def alone(graph: Graph, node: Node) -> Session:
    """The layer by itself on the C core, integers in and out."""

    def edge(name: str) -> Edge:
        shape = graph.tensors[name].shape
        return Edge(name, name, shape, tuple(range(len(shape))), "s8")

    names = (*node.inputs, *node.outputs)
    part = Graph("layer", {k: graph.tensors[k] for k in names}, [node], [edge(node.inputs[0])], [edge(node.outputs[0])])
    return Session(part)
