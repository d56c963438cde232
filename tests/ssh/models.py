"""Models whose inputs, outputs or files are large."""

from __future__ import annotations

import numpy as np

from edgeq_host.export import Bundle, SelfTest, Variant, to_bytes
from edgeq_host.graph import Edge, Graph, Node, Quant, Tensor
from edgeq_host.selftest import make


def echo(size: int) -> bytes:
    """f32 [1, size] in, the same out, rounded to multiples of 1/16 within [-8, 7.9375]."""
    quant = Quant(np.array([1 / 16]), np.array([0], np.int64))
    tensors = {name: Tensor(name, (1, size), "s8", None, quant) for name in "xy"}
    edges = [Edge("input", "x", (1, size), (0, 1), "f32")], [Edge("output", "y", (1, size), (0, 1), "f32")]
    graph = Graph("echo", tensors, [Node("clip_s8", "clip", ("x",), ("y",), {"lo": -128, "hi": 127})], *edges)
    return to_bytes(Bundle("echo", [Variant("int8", graph, make(graph, [np.zeros((1, size), np.float32)]))]))


def heavy(megabytes: int, seed: int = 0) -> bytes:
    """A file of about so many MB: the weights of one layer, with which nothing can be saved by compressing."""
    generator = np.random.default_rng(seed)
    rows, columns = megabytes * 1000, 1000
    multipliers = [np.zeros(rows, "<i4").view(np.uint8), np.full(rows, 1 << 30, "<i4").view(np.uint8), np.full(rows, 15, np.uint8)]

    def quant(scale: float) -> Quant:
        return Quant(np.array([scale]), np.array([0], np.int64))

    tensors = {
        "x": Tensor("x", (1, columns), "s8", None, quant(0.05)),
        "w": Tensor("w", (rows, columns), "s8", generator.integers(-127, 128, (rows, columns)).astype(np.int8)),
        "rq": Tensor("rq", (9 * rows,), "u8", np.concatenate(multipliers)),
        "y": Tensor("y", (1, rows), "s8", None, quant(0.1)),
    }
    node = Node("fully_connected_s8", "dense", ("x", "w", "rq"), ("y",), {"x_zero": 0, "w_zero": 0, "y_zero": 0, "lo": -128, "hi": 127})
    edges = [Edge("input", "x", (1, columns), (0, 1), "f32")], [Edge("output", "y", (1, rows), (0, 1), "f32")]
    graph = Graph("heavy", tensors, [node], *edges)
    selftest: SelfTest = make(graph, [np.linspace(-3, 3, columns, dtype=np.float32).reshape(1, columns)])
    return to_bytes(Bundle("heavy", [Variant("int8", graph, selftest)]))
