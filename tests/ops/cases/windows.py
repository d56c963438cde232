"""Cases of the operators that look through windows: convolutions and pooling, int8 and float32."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

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
    scalar_mn,
)

Pair = tuple[int, int]


@dataclass(frozen=True)
class Geometry:
    """image [N,H,W,C] seen through kernel; pad is top, left, bottom, right; out is O, or the depth multiplier."""

    image: tuple[int, int, int, int]
    out: int
    kernel: Pair
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    pad: tuple[int, int, int, int] = (0, 0, 0, 0)
    groups: int = 1

    def size(self) -> Pair:
        spans = [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]
        pads = (self.pad[0] + self.pad[2], self.pad[1] + self.pad[3])
        h, w = ((i + p - span) // s + 1 for i, p, span, s in zip(self.image[1:3], pads, spans, self.stride, strict=True))
        return h, w

    def transposed_size(self, crop: int) -> Pair:
        spans = [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]
        pads = (self.pad[0] + self.pad[2], self.pad[1] + self.pad[3])
        h, w = ((i - 1) * s + span - p for i, p, span, s in zip(self.image[1:3], pads, spans, self.stride, strict=True))
        return h + crop, w + crop

    def attrs(self, *dropped: str) -> dict[str, Any]:
        values = dict(zip(("pad_top", "pad_left", "pad_bottom", "pad_right"), self.pad, strict=True))
        values |= {"stride_h": self.stride[0], "stride_w": self.stride[1], "dilation_h": self.dilation[0], "dilation_w": self.dilation[1]}
        return {k: v for k, v in (values | {"groups": self.groups}).items() if k not in dropped}


G = Geometry
EDGES = (1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33)
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
    G((1, 2, 2, 3), 1, (2, 2), stride=(2, 2), pad=(3, 3, 3, 3)),
    G((1, 8, 1, 31), 2, (4, 1), stride=(3, 1), pad=(1, 0, 0, 0)),
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
POOL = (
    *(G((1, 4, 5, c), 1, (2, 2), stride=(2, 2)) for c in EDGES),
    G((2, 7, 6, 3), 1, (3, 3), stride=(2, 2), pad=(1, 1, 1, 1)),
    G((1, 6, 6, 5), 1, (6, 6)),
    G((1, 2, 2, 8), 1, (3, 3), pad=(1, 1, 1, 1)),
    G((1, 9, 8, 4), 1, (2, 3), stride=(3, 1), dilation=(3, 2), pad=(0, 2, 1, 0)),
    G((1, 2, 3, 2), 1, (2, 2), stride=(1, 2), pad=(3, 2, 3, 4)),
    G((1, 1, 25, 9), 1, (1, 25)),
    G((2, 9, 11, 6), 1, (2, 1), pad=(1, 0, 0, 0)),
)


def _zeros(rng: Rng, weights: bool = True) -> dict[str, int]:
    zeros = {"x_zero": pick(rng, ZEROS), "y_zero": pick(rng, ZEROS)}
    return zeros | {"w_zero": pick(rng, (0, 0, 0, -128, 127, 9))} if weights else zeros


def _two_fills(kinds: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """random x random twice, every extreme against every other once."""
    yield "random", "random"
    yield from ((a, b) for a in kinds for b in kinds)


def _weighted_s8(rng: Rng, geometries: tuple[Geometry, ...], layout: str) -> Cases:
    for i, g in enumerate(geometries):
        fills = list(_two_fills(FILLS_S8))
        for fx, fw in fills if i % 8 == 0 else [fills[0], fills[2 + i % 15]]:
            x, zeros = fill_s8(rng, g.image, fx), _zeros(rng)
            w_shape, out, size, attrs = _weights(rng, g, layout)
            w = fill_s8(rng, w_shape, fw)
            taps = w.size // out
            spread = dot_spread(x, zeros["x_zero"], w, zeros["w_zero"], taps)
            blob = channel_blob(rng, out, spread, 2**31 - 1 - 65025.0 * taps if i % 5 == 1 else spread)
            label = f"{layout} {g} x={fx} w={fw}"
            yield Case(label, attrs | zeros | s8_limits(rng), (x, w, blob), (g.image[0], *size, out), constant=(1, 2))


def _weighted_f32(rng: Rng, geometries: tuple[Geometry, ...], layout: str) -> Cases:
    for i, g in enumerate(geometries):
        for fx, fw in [("random", "random"), (FILLS_F32[i % 4], FILLS_F32[i % 3])]:
            w_shape, out, size, attrs = _weights(rng, g, layout)
            x, w, bias = fill_f32(rng, g.image, fx), fill_f32(rng, w_shape, fw), fill_f32(rng, (out,), "random")
            label = f"{layout} {g} x={fx} w={fw}"
            yield Case(label, attrs | f32_limits(rng), (x, w, bias), (g.image[0], *size, out), "f32", (1, 2))


def _weights(rng: Rng, g: Geometry, layout: str) -> tuple[tuple[int, ...], int, Pair, dict[str, Any]]:
    """Shape of w, output channels, output size, attributes."""
    channels = g.image[3]
    if layout == "depthwise":
        return (*g.kernel, channels * g.out), channels * g.out, g.size(), g.attrs("groups")
    shape = (g.out, *g.kernel, channels // g.groups)
    if layout == "transposed":
        crop = int(rng.integers(0, min(g.stride)))
        return shape, g.out, g.transposed_size(crop), g.attrs("pad_bottom", "pad_right")
    return shape, g.out, g.size(), g.attrs()


def _pool_attrs(g: Geometry) -> dict[str, Any]:
    return {"kernel_h": g.kernel[0], "kernel_w": g.kernel[1], **g.attrs("groups")}


def _pooled(g: Geometry) -> tuple[int, ...]:
    return (g.image[0], *g.size(), g.image[3])


def avg_pool2d_s8(rng: Rng) -> Cases:
    for g in POOL:
        area = g.kernel[0] * g.kernel[1]
        for i, kind in enumerate(FILLS_S8 * 2):
            zeros = _zeros(rng, weights=False)
            pairs = [scalar_mn(rng, c * 60.0) for c in range(1, area + 1)]
            table = np.array([m for m, _ in pairs], "<i4").tobytes() + np.array([n for _, n in pairs], np.int8).tobytes()
            extra = (np.frombuffer(table, np.uint8),) if i >= 4 else ()
            attrs = _pool_attrs(g) | zeros | s8_limits(rng) | {"include_pad": i % 2}
            inputs = (fill_s8(rng, g.image, kind), *extra)
            yield Case(f"{g} {kind} rq={bool(extra)}", attrs, inputs, _pooled(g), constant=(1,) if extra else ())


def max_pool2d_s8(rng: Rng) -> Cases:
    for g in POOL:
        for kind in FILLS_S8:
            yield Case(f"{g} {kind}", _pool_attrs(g) | s8_limits(rng), (fill_s8(rng, g.image, kind),), _pooled(g))


def avg_pool2d_f32(rng: Rng) -> Cases:
    for g in POOL:
        for i, kind in enumerate(FILLS_F32):
            attrs = _pool_attrs(g) | f32_limits(rng) | {"include_pad": i % 2}
            yield Case(f"{g} {kind}", attrs, (fill_f32(rng, g.image, kind),), _pooled(g), "f32")


def max_pool2d_f32(rng: Rng) -> Cases:
    for g in POOL:
        for kind in FILLS_F32:
            yield Case(f"{g} {kind}", _pool_attrs(g) | f32_limits(rng), (fill_f32(rng, g.image, kind),), _pooled(g), "f32")


TABLE: Table = {
    "conv2d_s8": lambda rng: _weighted_s8(rng, CONV, "conv"),
    "depthwise_conv2d_s8": lambda rng: _weighted_s8(rng, DEPTHWISE, "depthwise"),
    "transpose_conv2d_s8": lambda rng: _weighted_s8(rng, TRANSPOSED, "transposed"),
    "conv2d_f32": lambda rng: _weighted_f32(rng, CONV, "conv"),
    "depthwise_conv2d_f32": lambda rng: _weighted_f32(rng, DEPTHWISE, "depthwise"),
    "transpose_conv2d_f32": lambda rng: _weighted_f32(rng, TRANSPOSED, "transposed"),
    "avg_pool2d_s8": avg_pool2d_s8,
    "max_pool2d_s8": max_pool2d_s8,
    "avg_pool2d_f32": avg_pool2d_f32,
    "max_pool2d_f32": max_pool2d_f32,
}
