"""A small model that needs no source: what `edgeq boards verify` deploys, and tests."""

from __future__ import annotations

import numpy as np

from edgeq_host.export import Bundle, Variant, to_bytes
from edgeq_host.graph import Array, Edge, Graph, Node, Quant, Tensor
from edgeq_host.selftest import make

CHANNELS = 8


def network(seed: int, size: int = 64) -> Graph:
    """x f32 [1, size] -> quantize -> fully_connected_s8 -> clip -> dequantize, with weights of `seed`. size: at most 65536."""
    generator = np.random.default_rng(seed)

    def quant(scale: float, zero: int) -> Quant:
        return Quant(np.array([scale]), np.array([zero], np.int64))

    rq = np.concatenate(
        [
            generator.integers(-1000, 1000, CHANNELS).astype("<i4").view(np.uint8),
            generator.integers(2**30, 2**31 - 1, CHANNELS).astype("<i4").view(np.uint8),
            np.full(CHANNELS, 7, np.uint8),
        ]
    )
    tensors = {
        "x": Tensor("x", (1, size), "s8", None, quant(0.05, 3)),
        "w": Tensor("w", (CHANNELS, size), "s8", generator.integers(-127, 128, (CHANNELS, size)).astype(np.int8)),
        "rq": Tensor("rq", (rq.size,), "u8", rq),
        "a": Tensor("a", (1, CHANNELS), "s8", None, quant(0.1, -5)),
        "y": Tensor("y", (1, CHANNELS), "s8", None, quant(0.1, -5)),
    }
    nodes = [
        Node("fully_connected_s8", "dense", ("x", "w", "rq"), ("a",), {"x_zero": 3, "w_zero": 0, "y_zero": -5, "lo": -128, "hi": 127}),
        Node("clip_s8", "clip", ("a",), ("y",), {"lo": -100, "hi": 100}),
    ]
    edges = [Edge("input", "x", (1, size), (0, 1), "f32")], [Edge("output", "y", (1, CHANNELS), (0, 1), "f32")]
    return Graph(f"net{seed}", tensors, nodes, *edges)


def sample(size: int = 64) -> Array:
    return np.linspace(-3, 3, size, dtype=np.float32).reshape(1, size)


def packed(seed: int, size: int = 64) -> bytes:
    """The .eqm of it, with its self-test."""
    graph = network(seed, size)
    return to_bytes(Bundle(graph.name, [Variant("int8", graph, make(graph, [sample(size)]))]))
