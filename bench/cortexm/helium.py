"""Single layers on an emulated Cortex-M55 with Helium: weighted instructions for each product, as kernels.py counts them."""

from __future__ import annotations

from collections.abc import Iterator

from bench import goals
from bench.cortexm.kernels import CONV3, DEPTHWISE, FC, FC_SIGNS, POINT, Count, count
from bench.goals import Goal

CORE = "m55"
CMSIS = {POINT: 0.396, CONV3: 0.253, FC_SIGNS: 0.490}  # instructions of CMSIS-NN's int8 for each product, compiled by GCC 12.2 -O3
INT8 = {POINT: 0.396, CONV3: 0.253, DEPTHWISE: 1.62}
INT4_OF_INT8, SIGNS_OF_CMSIS = 1.15, 0.5


def all_counts() -> list[Count]:
    wide = [count(layer, weights, CORE) for layer in (POINT, CONV3, DEPTHWISE, FC) for weights in ("s8", "s4")]
    return [*wide, *(count(layer, "s2", CORE) for layer in (POINT, CONV3, FC)), *(count(layer, "b1", CORE) for layer in CMSIS)]


def of_layers() -> Iterator[Goal]:
    for layer, most in INT8.items():
        yield goals.at_most(f"{layer.name}, int8", most, count(layer, "s8", CORE).weighted, "per MAC")
    for layer in (POINT, CONV3, FC):
        ratio = count(layer, "s4", CORE).weighted / count(layer, "s8", CORE).weighted
        yield goals.at_most(f"{layer.name}, int4, of own int8", INT4_OF_INT8, ratio, "x")
    for layer, cmsis in CMSIS.items():
        ratio = count(layer, "b1", CORE).weighted / cmsis
        yield goals.at_most(f"{layer.name}, signs, of CMSIS-NN's int8", SIGNS_OF_CMSIS, ratio, "x")
