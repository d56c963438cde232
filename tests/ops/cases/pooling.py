"""Cases of average and maximum pooling, int8 and float32."""

from __future__ import annotations

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
    f32_limits,
    fill_f32,
    fill_s8,
    pick,
    s8_limits,
    scalar_mn,
)
from tests.ops.cases.geometry import Geometry

G = Geometry
EDGES = (1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33)
POOL = (
    *(G((1, 4, 5, c), 1, (2, 2), stride=(2, 2)) for c in EDGES),
    G((2, 7, 6, 3), 1, (3, 3), stride=(2, 2), pad=(1, 1, 1, 1)),
    G((1, 6, 6, 5), 1, (6, 6)),
    G((1, 2, 2, 8), 1, (3, 3), pad=(1, 1, 1, 1)),
    G((1, 9, 8, 4), 1, (2, 3), stride=(3, 1), dilation=(3, 2), pad=(0, 2, 1, 0)),
    G((1, 2, 3, 2), 1, (2, 2), stride=(1, 2), pad=(3, 2, 3, 4)),
    G((1, 1, 25, 9), 1, (1, 25)),
    G((1, 1, 300, 2), 1, (1, 300)),
    G((1, 2, 3, 65), 1, (2, 2)),
    G((2, 9, 11, 6), 1, (2, 1), pad=(1, 0, 0, 0)),
    G((1, 32, 32, 3), 1, (32, 32)),
    G((1, 1, 1025, 2), 1, (1, 1025)),
    G((1, 5, 9, 70), 1, (3, 3), stride=(1, 2), pad=(1, 1, 1, 1)),
)


def pool_attrs(g: Geometry) -> dict[str, Any]:
    return {"kernel_h": g.kernel[0], "kernel_w": g.kernel[1], **g.attrs("groups")}


def pooled(g: Geometry) -> tuple[int, ...]:
    return (g.image[0], *g.size(), g.image[3])


def avg_pool2d_s8(rng: Rng) -> Cases:
    for g in POOL:
        area = g.kernel[0] * g.kernel[1]
        for i, kind in enumerate(FILLS_S8 * 2):
            zeros = {"x_zero": pick(rng, ZEROS), "y_zero": pick(rng, ZEROS)}
            pairs = [scalar_mn(rng, c * 60.0) for c in range(1, area + 1)]
            table = np.array([m for m, _ in pairs], "<i4").tobytes() + np.array([n for _, n in pairs], np.int8).tobytes()
            extra = (np.frombuffer(table, np.uint8),) if i >= 4 else ()
            attrs = pool_attrs(g) | zeros | s8_limits(rng) | {"include_pad": i % 2}
            inputs = (fill_s8(rng, g.image, kind), *extra)
            yield Case(f"{g} {kind} rq={bool(extra)}", attrs, inputs, pooled(g), constant=(1,) if extra else ())


def max_pool2d_s8(rng: Rng) -> Cases:
    for g in POOL:
        for kind in FILLS_S8:
            yield Case(f"{g} {kind}", pool_attrs(g) | s8_limits(rng), (fill_s8(rng, g.image, kind),), pooled(g))


def avg_pool2d_f32(rng: Rng) -> Cases:
    for g in POOL:
        for i, kind in enumerate(FILLS_F32):
            attrs = pool_attrs(g) | f32_limits(rng) | {"include_pad": i % 2}
            yield Case(f"{g} {kind}", attrs, (fill_f32(rng, g.image, kind),), pooled(g), "f32")


def max_pool2d_f32(rng: Rng) -> Cases:
    for g in POOL:
        for kind in FILLS_F32:
            yield Case(f"{g} {kind}", pool_attrs(g) | f32_limits(rng), (fill_f32(rng, g.image, kind),), pooled(g), "f32")


TABLE: Table = {
    "avg_pool2d_s8": avg_pool2d_s8,
    "max_pool2d_s8": max_pool2d_s8,
    "avg_pool2d_f32": avg_pool2d_f32,
    "max_pool2d_f32": max_pool2d_f32,
}
