"""Whole layers with weights of 4 and 2 bits on 64-bit Arm: instructions beside those of their own int8."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import goals, layers, narrow
from bench.arm import guest
from bench.goals import Goal
from bench.layers import Layer
from edgeq_host.graph import Graph

CPU = "cortex-a72"  # no dot products
MOST = {"s4": 0.85, "s2": 0.6}  # of int8's


def instructions(graph: Graph, layer: Layer) -> int:
    """Of one inference."""
    with tempfile.TemporaryDirectory() as folder:
        pack = Path(folder) / "layer.eqm"
        pack.write_bytes(layers.packed(graph))
        return guest.instructions(CPU, pack, layers.noise(math.prod(layer.x))).total()


def of_widths(layer: Layer = layers.CONV3) -> Iterator[Goal]:
    with tempfile.TemporaryDirectory() as folder:
        int8 = layers.graph(layers.write_tflite(layer, Path(folder)))
    before = instructions(int8, layer)
    for dtype, most in MOST.items():
        after = instructions(narrow.of_layer(int8, dtype), layer)
        yield goals.at_most(f"{layer.name} with {dtype} weights on {CPU}, instructions of int8", most, after / before, "x")
