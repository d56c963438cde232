"""Single layers on an emulated Cortex-M4: weighted instructions for each product, from setting the input to the last output."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench import goals, layers, narrow, signs
from bench.cortexm import guest
from bench.goals import Goal
from bench.layers import Layer

CORE = "m4"
POINT = Layer("1x1 25x5x64 to 64", "CONV_2D", (1, 25, 5, 64), (64, 1, 1, 64))
CONV3 = Layer("3x3 16x16x32 to 32", "CONV_2D", (1, 16, 16, 32), (32, 3, 3, 32))
DEPTHWISE = Layer("depthwise 3x3 25x5x64", "DEPTHWISE_CONV_2D", (1, 25, 5, 64), (1, 3, 3, 64))
FC = Layer("FC 640 to 128", "FULLY_CONNECTED", (1, 640), (128, 640))
FC_SIGNS = Layer("FC 640 to 128", "CONV_2D", (1, 1, 1, 640), (128, 1, 1, 640))
CMSIS = {POINT: 2.087, CONV3: 1.925, FC_SIGNS: 1.953}  # instructions of CMSIS-NN's int8 for each product, compiled by GCC 12.2 -O3
INT8 = {POINT: 1.67, CONV3: 1.54, FC: 1.56, DEPTHWISE: 5.0}
INT4, INT4_OF_INT8, SIGNS_OF_CMSIS = 1.69, 1.20, 0.20
BORDERS = ("eq_sign_b1_s8_s8", "eq_unpack_s8_b1_b1")  # of a network of signs, not of a layer


@dataclass(frozen=True)
class Count:
    """Instructions of one inference for each product. same: the bytes of portable kernels."""

    layer: str
    weights: str
    plain: float
    icount: float
    weighted: float
    arena_bytes: int
    same: bool


def data_of(layer: Layer, weights: str) -> bytes:
    """The file; weights: s8, s4, s2, or b1, whose activations are signs, too."""
    if weights == "b1":
        return signs.packed(layer)
    with tempfile.TemporaryDirectory() as folder:
        made = layers.graph(layers.write_tflite(layer, Path(folder)))
    return layers.packed(made if weights == "s8" else narrow.of_layer(made, weights))


@cache
def count(layer: Layer, weights: str = "s8", core: str = CORE) -> Count:
    data, sample = data_of(layer, weights), layers.noise(math.prod(layer.x))
    run, portable = guest.infer(core, data, sample), guest.infer(core, data, sample, mask=1)
    plain, weighted = (guest.count(core, data, sample, what) for what in ("plain", "weighted"))
    borders = sum(n for name, n in weighted.items() if weights == "b1" and name.startswith(BORDERS))
    per_mac = (plain.total() / layer.macs, run.instructions / layer.macs, (weighted.total() - borders) / layer.macs)
    return Count(layer.name, weights, *per_mac, run.arena_bytes, run.outputs == portable.outputs)


def all_counts() -> list[Count]:
    wide = [count(layer, weights) for layer in (POINT, CONV3, DEPTHWISE, FC) for weights in ("s8", "s4")]
    return [*wide, *(count(layer, "s2") for layer in (POINT, CONV3, FC)), *(count(layer, "b1") for layer in CMSIS)]


def of_layers() -> Iterator[Goal]:
    for layer, most in INT8.items():
        yield goals.at_most(f"{layer.name}, int8", most, count(layer).weighted, "per MAC")
    int4 = count(POINT, "s4").weighted
    yield goals.at_most(f"{POINT.name}, int4", INT4, int4, "per MAC")
    yield goals.at_most(f"{POINT.name}, int4, of own int8", INT4_OF_INT8, int4 / count(POINT).weighted, "x")
    for layer, cmsis in CMSIS.items():
        ratio = count(layer, "b1").weighted / cmsis
        yield goals.at_most(f"{layer.name}, signs, of CMSIS-NN's int8", SIGNS_OF_CMSIS, ratio, "x")
