"""Which inputs a layer multiplies by its weights, for every output: as indices, as rows of a matrix, and in the mean."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgeq_host.graph import Graph, Node

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

DENSE = ("fully_connected_f32", "matmul_f32")
_CHUNK = 1 << 22  # elements of the matrix that are made at once


def kernel(graph: Graph, node: Node) -> tuple[int, int]:
    """Height and width of a layer's window."""
    shape = graph.tensors[node.inputs[1]].shape
    if node.op in DENSE:
        return 1, 1
    return (shape[0], shape[1]) if node.op == "depthwise_conv2d_f32" else (shape[1], shape[2])


def depth(graph: Graph, node: Node) -> int:
    """Inputs of a channel under one tap of the window."""
    shape = graph.tensors[node.inputs[1]].shape
    if node.op == "depthwise_conv2d_f32":
        return 1
    return shape[0] if node.op == "matmul_f32" else shape[-1]


def matrices(graph: Graph, node: Node) -> int:
    """Sets of output channels that read other inputs than the rest: the groups of a convolution, the channels of a depthwise one."""
    if node.op in DENSE:
        return 1
    return graph.tensors[node.inputs[0]].shape[3] // depth(graph, node)


def taps(graph: Graph, node: Node) -> tuple[Int64, Int64]:
    """Of every output row the input row under each tap, and so for columns; -1: the tap meets none."""
    x, y = (graph.tensors[name].shape for name in (node.inputs[0], node.outputs[0]))
    found = []
    for axis, (direction, pad) in enumerate((("h", "pad_top"), ("w", "pad_left"))):
        stride, dilation = node.attrs[f"stride_{direction}"], node.attrs[f"dilation_{direction}"]
        out, tap = np.arange(y[1 + axis])[:, None], np.arange(kernel(graph, node)[axis]) * dilation
        if node.op == "transpose_conv2d_f32":
            place = out + node.attrs[pad] - tap
            place = np.where(place % stride == 0, place // stride, -1)
        else:
            place = out * stride - node.attrs[pad] + tap
        found.append(np.where((place >= 0) & (place < x[1 + axis]), place, -1))
    return found[0], found[1]


def shares(graph: Graph, node: Node) -> Float64:
    """Share of the outputs for which a tap lies inside the input, [KH, KW]."""
    rows, cols = ((place >= 0).mean(axis=0) for place in taps(graph, node))
    return np.asarray(rows[:, None] * cols[None, :], np.float64)


def patches(graph: Graph, node: Node, x: Float64) -> Iterator[Float64]:
    """The inputs of every output, [matrices, outputs, K], in chunks; x as the layer reads it, 0 outside of it."""
    if node.op in DENSE:
        yield x.reshape(1, -1, x.shape[-1])
        return
    rows, cols = taps(graph, node)
    count, inputs = matrices(graph, node), depth(graph, node)
    padded = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))
    at_once = max(1, _CHUNK // max(1, x.shape[0] * rows.shape[1] * cols.size * x.shape[3]))
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        found = padded[:, some[:, None, :, None], cols[None, :, None, :], :]  # [N, rows, OW, KH, KW, C]
        found = found.reshape(*found.shape[:5], count, inputs).transpose(5, 0, 1, 2, 3, 4, 6)
        yield np.ascontiguousarray(found).reshape(count, -1, some.shape[1] * cols.shape[1] * inputs)
