"""Cases of the convolutions, int8 and float32."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

from tests.ops.cases.base import (
    FILLS_F32,
    FILLS_S8,
    ZEROS,
    Case,
    Cases,
    Rng,
    Table,
    channel_blob,
    dot_spread,
    f32_limits,
    fill_f32,
    fill_s8,
    pick,
    s8_limits,
)
from tests.ops.cases.geometry import Geometry, Pair, random_geometry

G = Geometry
EDGES = (1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65)
CONV = (
    *(G((1, 3, 5, c), 9, (1, 1)) for c in EDGES),
    *(G((1, 4, 3, 5), o, (3, 3), pad=(1, 1, 1, 1)) for o in EDGES),
    *(G((1, 1, w, 16), 17, (1, 1)) for w in EDGES),
    *(G((1, 1, w, 3), 8, (1, 3), pad=(0, 1, 0, 1)) for w in (1, 2, 5, 8, 13)),
    G((2, 7, 6, 3), 8, (3, 3), stride=(2, 2), pad=(0, 0, 1, 1)),
    G((1, 9, 8, 4), 5, (3, 2), stride=(3, 1), dilation=(2, 3), pad=(2, 1, 0, 3)),
    G((1, 2, 2, 3), 4, (5, 5), pad=(2, 2, 2, 2)),
    G((1, 1, 1, 8), 8, (3, 3), pad=(1, 1, 1, 1)),
    G((1, 2, 1, 2), 3, (2, 2), stride=(2, 2), pad=(3, 3, 3, 3)),
    G((1, 5, 5, 8), 12, (3, 3), pad=(1, 1, 1, 1), groups=4),
    G((2, 4, 5, 6), 6, (2, 3), stride=(1, 2), pad=(1, 0, 0, 2), groups=6),
    G((1, 3, 3, 34), 66, (2, 2), groups=2),
    G((1, 6, 1, 20), 7, (3, 1), dilation=(2, 1), pad=(2, 0, 2, 0)),
    G((1, 49, 10, 1), 9, (10, 4), stride=(2, 2), pad=(4, 1, 5, 1)),
)
DEPTHWISE = (
    *(G((1, 5, 4, c), 1, (3, 3), pad=(1, 1, 1, 1)) for c in EDGES),
    *(G((1, 6, w, 8), 1, (3, 3), stride=(2, 2), pad=(0, 0, 1, 1)) for w in (2, 3, 7, 8, 17)),
    *(G((1, 4, 4, c), mult, (2, 3), pad=(0, 1, 1, 1)) for c, mult in ((1, 8), (1, 33), (3, 2), (4, 4), (16, 2))),
    G((2, 7, 9, 5), 1, (5, 5), pad=(2, 2, 2, 2)),
    G((1, 3, 3, 9), 1, (7, 7), pad=(3, 3, 3, 3)),
    G((1, 9, 9, 17), 1, (3, 3), dilation=(2, 3), stride=(1, 3), pad=(2, 3, 0, 1)),
    G((1, 1, 1, 33), 1, (1, 1)),
    *(G((1, 34, 3, c), 1, (32, 1)) for c in (5, 16)),
    *(G(image, 1, (1, 1)) for image in ((1, 4, 5, 1), (2, 3, 4, 2), (1, 1, 5, 1))),
    G((1, 2, 2, 3), 1, (2, 2), stride=(2, 2), pad=(3, 3, 3, 3)),
    G((1, 8, 1, 31), 2, (4, 1), stride=(3, 1), pad=(1, 0, 0, 0)),
    *(G((1, 7, 13, c), 1, (2, 3), stride=s, pad=(0, 1, 1, 0)) for c in (5, 9) for s in ((2, 1), (1, 2))),
)
TRANSPOSED = (
    *(G((1, 3, 4, c), 5, (2, 2), stride=(2, 2)) for c in EDGES),
    *(G((1, 2, 3, 4), o, (3, 3), stride=(2, 2), pad=(1, 1, 0, 0)) for o in (1, 7, 8, 9, 16, 33)),
    G((2, 3, 3, 3), 4, (3, 3), pad=(1, 1, 1, 1)),
    G((1, 4, 2, 6), 9, (4, 2), stride=(3, 1), dilation=(1, 2), pad=(0, 1, 2, 0)),
    G((1, 1, 1, 2), 3, (2, 3), stride=(3, 3)),
    G((1, 3, 3, 8), 8, (2, 2), stride=(2, 2), groups=4),
    G((1, 3, 2, 6), 3, (1, 1), stride=(3, 2), groups=3),
)
BY_LAYOUT = {"conv": CONV, "depthwise": DEPTHWISE, "transposed": TRANSPOSED}
# Sums as large as they get: every tap at +-255 times +-255.
LARGEST = {
    "conv": G((1, 5, 5, 33), 9, (3, 3)),
    "depthwise": G((1, 9, 9, 17), 1, (7, 7)),
    "transposed": G((1, 4, 4, 33), 5, (3, 3), stride=(1, 1), pad=(1, 1, 1, 1)),
}


def case_s8(rng: Rng, g: Geometry, layout: str, fills: tuple[str, str], zeros: dict[str, int], large_bias: bool = False) -> Case:
    w_shape, out, size, attrs = weight_shape(rng, g, layout)
    x, w = fill_s8(rng, g.image, fills[0]), fill_s8(rng, w_shape, fills[1])
    taps = w.size // out
    spread = dot_spread(x, zeros["x_zero"], w, zeros["w_zero"], taps)
    blob = channel_blob(rng, out, spread, 2**31 - 1 - 65025.0 * taps if large_bias else spread)
    label = f"{layout} {g} x={fills[0]} w={fills[1]}"
    return Case(label, attrs | zeros | s8_limits(rng), (x, w, blob), (g.image[0], *size, out), constant=(1, 2))


def case_f32(rng: Rng, g: Geometry, layout: str, fills: tuple[str, str]) -> Case:
    w_shape, out, size, attrs = weight_shape(rng, g, layout)
    x, w, bias = fill_f32(rng, g.image, fills[0]), fill_f32(rng, w_shape, fills[1]), fill_f32(rng, (out,), "random")
    label = f"{layout} {g} x={fills[0]} w={fills[1]}"
    return Case(label, attrs | f32_limits(rng), (x, w, bias), (g.image[0], *size, out), "f32", (1, 2))


def _zeros(rng: Rng) -> dict[str, int]:
    return {"x_zero": pick(rng, ZEROS), "w_zero": pick(rng, (0, 0, 0, -128, 127, 9)), "y_zero": pick(rng, ZEROS)}


def _weighted_s8(rng: Rng, layout: str) -> Cases:
    every = list(itertools.product(FILLS_S8, FILLS_S8))
    for i, g in enumerate(BY_LAYOUT[layout]):
        for fills in [every[0], *(every if i % 8 == 0 else [every[1 + i % 15]])]:
            yield case_s8(rng, g, layout, fills, _zeros(rng), large_bias=i % 5 == 1)
    for x_zero, w_zero, fx, fw in itertools.product((-128, 127), (-128, 0, 127), ("low", "high", "ends"), ("low", "high", "ends")):
        zeros = {"x_zero": x_zero, "w_zero": w_zero, "y_zero": 0}
        yield case_s8(rng, LARGEST[layout], layout, (fx, fw), zeros)


def _weighted_f32(rng: Rng, layout: str) -> Cases:
    for i, g in enumerate(BY_LAYOUT[layout]):
        for fills in [("random", "random"), (FILLS_F32[i % 4], FILLS_F32[i // 4 % 4])]:
            yield case_f32(rng, g, layout, fills)


def random_s8(rng: Rng, layout: str) -> Case:
    fills = (pick(rng, FILLS_S8), pick(rng, FILLS_S8))
    return case_s8(rng, random_geometry(rng, layout), layout, fills, _zeros(rng), large_bias=bool(rng.integers(2)))


def random_f32(rng: Rng, layout: str) -> Case:
    return case_f32(rng, random_geometry(rng, layout), layout, (pick(rng, FILLS_F32), pick(rng, FILLS_F32)))


def weight_shape(rng: Rng, g: Geometry, layout: str) -> tuple[tuple[int, ...], int, Pair, dict[str, Any]]:
    """Shape of w, output channels, output size, attributes."""
    channels = g.image[3]
    if layout == "depthwise":
        return (*g.kernel, channels * g.out), channels * g.out, g.size(), g.attrs("groups")
    shape = (g.out, *g.kernel, channels // g.groups)
    if layout == "transposed":
        crop = int(rng.integers(0, min(g.stride)))
        return shape, g.out, g.transposed_size(crop), g.attrs("pad_bottom", "pad_right")
    return shape, g.out, g.size(), g.attrs()


LAYOUTS = {"conv2d": "conv", "depthwise_conv2d": "depthwise", "transpose_conv2d": "transposed"}
TABLE: Table = {
    **{f"{name}_s8": partial(_weighted_s8, layout=layout) for name, layout in LAYOUTS.items()},
    **{f"{name}_f32": partial(_weighted_f32, layout=layout) for name, layout in LAYOUTS.items()},
}
