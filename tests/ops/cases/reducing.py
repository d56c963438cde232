"""Cases of reductions, softmax and bilinear resizing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from edgeq_runtime.rounding import multiplier
from tests.ops.cases.base import FILLS_F32, FILLS_S8, ZEROS, Array, Case, Cases, Rng, Table, fill_f32, fill_s8, pick, scalar_mn

SHAPES = ((1,), (33,), (3, 17), (2, 3, 8), (1, 7, 7, 9), (2, 3, 4, 5), (2, 1, 3, 2, 4), (2, 3, 1, 2, 2, 3), (3, 65), (600,), (600, 2))
ROWS = ((1,), (2,), (10,), (3, 17), (2, 3, 33), (1, 4, 5, 21), (2, 1, 2, 1, 9), (1, 2, 1, 2, 1, 4))
IMAGES = (((1, 1, 1, 1), (3, 2)), ((2, 4, 3, 5), (8, 6)), ((1, 7, 5, 17), (3, 2)), ((1, 2, 9, 4), (5, 9)), ((1, 3, 1, 32), (1, 4)))


def reductions(rng: Rng) -> Iterator[tuple[tuple[int, ...], int, int, tuple[int, ...]]]:
    """Shape, mask of axes, number of elements under each result, output shape (axes kept or dropped by turns)."""
    for i, shape in enumerate(SHAPES):
        masks = list(range(1, 1 << len(shape)))
        for j, mask in enumerate(masks if len(masks) < 16 else rng.choice(masks, 12, replace=False)):
            reduced = [int(mask) >> a & 1 for a in range(len(shape))]
            count = math.prod(d for d, r in zip(shape, reduced, strict=True) if r)
            kept = tuple(1 if r else d for d, r in zip(shape, reduced, strict=True))
            dropped = tuple(d for d, r in zip(shape, reduced, strict=True) if not r)
            yield shape, int(mask), count, kept if (i + j) % 2 or not dropped else dropped


def reduce_s8(rng: Rng) -> Cases:
    for (shape, axes, count, out), kind in itertools.product(list(reductions(rng)), range(4)):
        fill = pick(rng, FILLS_S8)
        x, zero = fill_s8(rng, shape, fill), pick(rng, ZEROS)
        m, n = scalar_mn(rng, max(count * abs(float(x.mean()) - zero), 70.0 * math.sqrt(count)))
        attrs = {"kind": kind, "axes": axes, "x_zero": zero, "y_zero": pick(rng, ZEROS), "m": m, "n": n}
        yield Case(f"kind {kind} {shape} axes {axes:b} {fill}", attrs, (x,), out)
    m, n = multiplier(1 / 600)
    for fill in ("low", "high"):  # sums that leave 16 bits on the way
        attrs = {"kind": 1, "axes": 1, "x_zero": 0, "y_zero": 0, "m": m, "n": n}
        yield Case(f"mean of 600 {fill}", attrs, (fill_s8(rng, (600, 2), fill),), (2,))


def reduce_f32(rng: Rng) -> Cases:
    for (shape, axes, _, out), kind in itertools.product(list(reductions(rng)), range(8)):
        fill = pick(rng, FILLS_F32)
        yield Case(f"kind {kind} {shape} axes {axes:b} {fill}", {"kind": kind, "axes": axes}, (fill_f32(rng, shape, fill),), out, "f32")


def exp_table(scale: float) -> Array:
    """SPEC.md 2.1, softmax_s8, u32 stored as s32."""
    table = np.floor(2.0**23 * np.exp(-scale * np.arange(256)) + 0.5).astype(np.uint32).view(np.int32)
    return np.asarray(table)


def softmax_s8(rng: Rng) -> Cases:
    for shape, fill in itertools.product(ROWS, FILLS_S8):
        scale = pick(rng, (1e-6, 0.01, 0.1, 1.0, 20.0))
        yield Case(f"{shape} {fill} {scale}", {}, (fill_s8(rng, shape, fill), exp_table(scale)), shape, constant=(1,))
    for scale in (0.005, 0.02, 0.04, 0.08):
        yield Case(f"100 rows {scale}", {}, (fill_s8(rng, (100, 4), "random"), exp_table(scale)), (100, 4), constant=(1,))
    for n in (127, 128, 129, 255, 256, 257, 511, 512, 513):  # alike: shares of 256 / n, and sums on both sides of 2^30
        yield Case(f"{n} alike", {}, (np.full((1, n), n % 256 - 128, np.int8), exp_table(0.1)), (1, n), constant=(1,))
    wide = fill_s8(rng, (2, 5000), "random")
    yield Case("5000 classes", {}, (wide, exp_table(1e-6)), wide.shape, constant=(1,))


def softmax_f32(rng: Rng) -> Cases:
    for shape, fill in itertools.product(ROWS, FILLS_F32):
        yield Case(f"{shape} {fill}", {}, (fill_f32(rng, shape, fill),), shape, "f32")
    for shape in ((4, 1001), (3, 8)):
        yield Case(f"{shape} all equal", {}, (np.full(shape, -3.0e38, np.float32),), shape, "f32")


def _places(rng: Rng, size: int, out: int) -> tuple[Array, Array]:
    """Place and weight of 2048 of each output row; both ends are there."""
    place, weight = rng.integers(0, size, out), rng.integers(0, 2049, out)
    place[-1], weight[-1], weight[0] = size - 1, 2048, 0
    return place.astype(np.int32), weight.astype(np.int32)


def resize_bilinear_s8(rng: Rng) -> Cases:
    for (shape, (oh, ow)), fill in itertools.product(IMAGES, FILLS_S8):
        rows, cols = (place << 12 | weight for place, weight in (_places(rng, shape[1], oh), _places(rng, shape[2], ow)))
        inputs = (fill_s8(rng, shape, fill), rows, cols)
        yield Case(f"{shape} to {oh}x{ow} {fill}", {}, inputs, (shape[0], oh, ow, shape[3]), constant=(1, 2))
    middle = (np.arange(4, dtype=np.int32) << 12) | 1024  # between two pixels: results halfway between integers
    yield Case("ties", {}, (fill_s8(rng, (2, 5, 5, 7), "random"), middle, middle), (2, 4, 4, 7), constant=(1, 2))


def resize_bilinear_f32(rng: Rng) -> Cases:
    for (shape, (oh, ow)), fill in itertools.product(IMAGES, FILLS_F32):
        (rows, down), (cols, right) = _places(rng, shape[1], oh), _places(rng, shape[2], ow)
        down_f32, right_f32 = (w.astype(np.float32) / np.float32(2047.3) for w in (down, right))
        inputs = (fill_f32(rng, shape, fill), rows, down_f32, cols, right_f32)
        yield Case(f"{shape} to {oh}x{ow} {fill}", {}, inputs, (shape[0], oh, ow, shape[3]), "f32", (1, 2, 3, 4))


TABLE: Table = {
    "reduce_s8": reduce_s8,
    "reduce_f32": reduce_f32,
    "softmax_s8": softmax_s8,
    "softmax_f32": softmax_f32,
    "resize_bilinear_s8": resize_bilinear_s8,
    "resize_bilinear_f32": resize_bilinear_f32,
}
