"""Cases of fully connected layers and matrix products."""

from __future__ import annotations

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

SIZES = (1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33)
# rows (any rank), inputs, outputs
LAYERS = (
    *(((1,), k, 10) for k in (*SIZES, 64, 257, 1025)),
    *(((3,), 40, o) for o in SIZES),
    *(((m,), 19, 12) for m in SIZES),
    ((), 5, 3),
    ((2, 1, 3), 18, 4),
    ((1, 2, 1, 2, 2), 6, 9),
)
# shapes of a and b
PRODUCTS = (
    *(((3, k), (k, 5)) for k in SIZES),
    *(((m, 17), (17, 4)) for m in SIZES),
    *(((2, 18), (18, n)) for n in SIZES),
    ((2, 3, 4), (2, 4, 5)),
    ((2, 3, 4), (4, 5)),
    ((3, 4), (2, 4, 5)),
    ((2, 1, 3, 4), (1, 3, 4, 5)),
    ((1, 2, 1, 2, 3, 9), (2, 3, 1, 9, 1)),
    ((5, 1, 1), (1, 1, 6)),
    ((13, 33), (33, 21)),
    ((9, 9), (9, 9)),
)


def fully_connected_s8(rng: Rng) -> Cases:
    for i, (rows, k, o) in enumerate(LAYERS):
        for fx, fw in [("random", "random"), ("random", "random"), *((FILLS_S8[i % 4], b) for b in FILLS_S8)]:
            zeros = {"x_zero": pick(rng, ZEROS), "w_zero": pick(rng, (0, 0, -128, 127)), "y_zero": pick(rng, ZEROS)}
            x, w = fill_s8(rng, (*rows, k), fx), fill_s8(rng, (o, k), fw)
            spread = dot_spread(x, zeros["x_zero"], w, zeros["w_zero"], k)
            blob = channel_blob(rng, o, spread, 2**31 - 1 - 65025.0 * k if i % 8 == 0 else spread)
            yield Case(f"rows {rows} k={k} o={o} x={fx} w={fw}", zeros | s8_limits(rng), (x, w, blob), (*rows, o), constant=(1, 2))


def fully_connected_f32(rng: Rng) -> Cases:
    for rows, k, o in LAYERS:
        for kind in FILLS_F32:
            inputs = (fill_f32(rng, (*rows, k), kind), fill_f32(rng, (o, k), "random"), fill_f32(rng, (o,), "random"))
            yield Case(f"rows {rows} k={k} o={o} {kind}", f32_limits(rng), inputs, (*rows, o), "f32", (1, 2))


def _product(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    return (*np.broadcast_shapes(a[:-2], b[:-2]), a[-2], b[-1])


def matmul_s8(rng: Rng) -> Cases:
    for i, (a, b) in enumerate(PRODUCTS):
        for j, (fa, fb) in enumerate([("random", "random"), (FILLS_S8[i % 4], FILLS_S8[i % 3]), ("random", "random"), ("low", "low")]):
            x, y, zeros = fill_s8(rng, a, fa), fill_s8(rng, b, fb), {name: pick(rng, ZEROS) for name in ("a_zero", "b_zero", "y_zero")}
            m, n = scalar_mn(rng, dot_spread(x, zeros["a_zero"], y, zeros["b_zero"], a[-1]))
            attrs = zeros | {"m": m, "n": n} | s8_limits(rng)
            yield Case(f"{a} {b} {fa} {fb}", attrs, (x, y), _product(a, b), constant=(1,) if j == 1 else ())


def matmul_f32(rng: Rng) -> Cases:
    for i, (a, b) in enumerate(PRODUCTS):
        for j, kind in enumerate(FILLS_F32):
            inputs = (fill_f32(rng, a, kind), fill_f32(rng, b, FILLS_F32[i % 4]))
            yield Case(f"{a} {b} {kind}", f32_limits(rng), inputs, _product(a, b), "f32", constant=(1,) if j == 1 else ())


TABLE: Table = {
    "fully_connected_s8": fully_connected_s8,
    "fully_connected_f32": fully_connected_f32,
    "matmul_s8": matmul_s8,
    "matmul_f32": matmul_f32,
}
