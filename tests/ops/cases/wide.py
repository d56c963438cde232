"""Cases of the operators of int16: sums of 64 bits, no zero points."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from edgeq_runtime.rounding import multiplier, pack_rq
from tests.ops.cases.base import (
    FILLS_F32,
    FILLS_S8,
    LEAST,
    MOST,
    ZEROS,
    Array,
    Case,
    Cases,
    Rng,
    Table,
    dot_spread,
    fill_f32,
    fill_s8,
    fill_s16,
    pick,
    s8_limits,
)
from tests.ops.cases.dense import LAYERS
from tests.ops.cases.elementwise import PAIRS, RIGHT, SHAPES, Shape
from tests.ops.cases.geometry import Geometry, random_geometry
from tests.ops.cases.low import fill
from tests.ops.cases.pooling import POOL, pool_attrs, pooled
from tests.ops.cases.reducing import reductions
from tests.ops.cases.windows import BY_LAYOUT, LAYOUTS, weight_shape

LIMITS = ((-32768, 32767), (-10, 25), (-32768, -32768), (0, 32767), (-5000, 9999), (-129, 128))
M_N = ((0, 1), (LEAST, 31), (MOST, 31), (LEAST, -15), (MOST, -15), (LEAST, 1), (MOST, 0), (LEAST, 0), (1518500250, 2))
EVERY = np.arange(-32768, 32768).astype(np.int16)
WEIGHTS = ("s8", "s8", "s8", "s4", "s2", "b1")
# Inputs beyond what sums of 32 bits hold, and one less and one more than kernels add in them.
LONG = (256, 257, 507, 508, 509, 510, 511, 512, 513, 1020, 1024, 1530, 3001)
LONG_WINDOWS = {
    "conv": (Geometry((1, 3, 5, 80), 9, (3, 3)), Geometry((2, 2, 3, 515), 5, (1, 1)), Geometry((1, 1, 2, 1026), 4, (1, 1), groups=2)),
    "depthwise": (Geometry((1, 17, 17, 5), 1, (16, 17)), Geometry((1, 40, 15, 70), 2, (40, 13))),
    "transposed": (Geometry((1, 3, 4, 300), 5, (2, 2), stride=(2, 2)), Geometry((1, 4, 4, 70), 9, (3, 3))),
}


def limits(rng: Rng) -> dict[str, int]:
    lo, hi = LIMITS[0] if rng.random() < 0.7 else pick(rng, LIMITS)
    return {"lo": lo, "hi": hi}


def scalar_mn(rng: Rng, bound: float, reach: tuple[float, float] = (5000, 50000)) -> tuple[int, int]:
    """m, n that bring sums of about `bound` into int16, often a power of two (many ties), or now and then an extreme pair."""
    if rng.random() < 0.2:
        m, n = pick(rng, M_N)
        return m, n
    factor = min(float(rng.uniform(*reach)) / max(1.0, bound), 32000.0)
    return multiplier(2.0 ** math.floor(math.log2(factor)) if rng.random() < 0.3 else factor)


def blob(rng: Rng, channels: int, bound: float, large_bias: bool = False) -> Array:
    pairs = [scalar_mn(rng, bound) for _ in range(channels)]
    limit = (1 << 31) - 1 if large_bias else int(min(bound, (1 << 31) - 1))
    return pack_rq(rng.integers(-limit, limit + 1, channels), [m for m, _ in pairs], [n for _, n in pairs])


def _constants(rng: Rng, x: Array, shape: tuple[int, ...], out: int, kind: str, large_bias: bool) -> tuple[Array, Array, dict[int, str]]:
    """Weights of some width, channel parameters, and the type as which the weights are stored."""
    dtype = pick(rng, WEIGHTS)
    w = fill_s8(rng, shape, kind) if dtype == "s8" else fill(rng, shape, dtype, kind)
    spread = dot_spread(x, 0, w, 0, w.size // out)
    return w, blob(rng, out, spread, large_bias), {} if dtype == "s8" else {1: dtype}


def case(rng: Rng, g: Geometry, layout: str, fills: tuple[str, str], large_bias: bool = False) -> Case:
    w_shape, out, size, attrs = weight_shape(rng, g, layout)
    x = fill_s16(rng, g.image, fills[0])
    w, rq, stored = _constants(rng, x, w_shape, out, fills[1], large_bias)
    label = f"{layout} {g} x={fills[0]} w={fills[1]} {stored}"
    return Case(label, attrs | limits(rng), (x, w, rq), (g.image[0], *size, out), "s16", (1, 2), stored)


def weighted(rng: Rng, layout: str) -> Cases:
    every = list(itertools.product(FILLS_S8, FILLS_S8))
    for i, g in enumerate(BY_LAYOUT[layout]):
        for fills in [every[0], *(every if i % 12 == 0 else [every[1 + i % 15]])]:
            yield case(rng, g, layout, fills, large_bias=i % 5 == 1)
    for g, fills in itertools.product(LONG_WINDOWS[layout], every):
        yield case(rng, g, layout, fills)


def random_s16(rng: Rng, layout: str) -> Case:
    return case(rng, random_geometry(rng, layout), layout, (pick(rng, FILLS_S8), pick(rng, FILLS_S8)), bool(rng.integers(2)))


def fully_connected(rng: Rng) -> Cases:
    for i, (rows, k, o) in enumerate((*LAYERS, *(((5,), k, 11) for k in LONG))):
        for fx, fw in [("random", "random"), *((FILLS_S8[i % 4], b) for b in FILLS_S8)]:
            x = fill_s16(rng, (*rows, k), fx)
            w, rq, stored = _constants(rng, x, (o, k), o, fw, i % 8 == 0)
            yield Case(f"{rows} {k} {o} {fx} {fw} {stored}", limits(rng), (x, w, rq), (*rows, o), "s16", (1, 2), stored)


def _pairs(rng: Rng) -> Iterator[tuple[str, tuple[Array, Array], Shape, tuple[int, ...]]]:
    for i, (a, b) in enumerate(PAIRS):
        for j, fa in enumerate(FILLS_S8):
            inputs = (fill_s16(rng, a, fa), fill_s16(rng, b, FILLS_S8[(i + j) % 4]))
            yield f"{a} {b} {fa}", inputs, np.broadcast_shapes(a, b), ((), (1,), (0,))[j % 3]
    yield "every value", (EVERY, EVERY[::-1].copy()), EVERY.shape, ()


def add(rng: Rng) -> Cases:
    ends = ((1 << 15) - 1, 1 - (1 << 15), 1 << 14, -(1 << 14))
    for label, inputs, shape, constant in _pairs(rng):
        big, small = (pick(rng, ends), int(rng.integers(1 - (1 << 15), 1 << 15)))
        a_mul, b_mul = (big, small) if rng.random() < 0.5 else (small, big)
        shift = pick(rng, (1, 2, 14, 15, 15, 16, 16, 17, 20, 30))
        yield Case(f"{label} >> {shift}", {"a_mul": a_mul, "b_mul": b_mul, "shift": shift} | limits(rng), inputs, shape, "s16", constant)
    for shift, sign, value in itertools.product(range(1, 31), (-1, 1), (-32768, 32767)):
        full, mul = np.full(9, value, np.int16), sign * ((1 << 15) - 1)
        attrs = {"a_mul": mul, "b_mul": mul, "shift": shift, "lo": -32768, "hi": 32767}
        yield Case(f"ends {sign} {value} >> {shift}", attrs, (full, full), (9,), "s16")
        half = min(1 << (shift - 1), 1 << 14)
        few = fill_s16(rng, (40,), "random"), fill_s16(rng, (40,), "random")
        yield Case(f"ties >> {shift}", attrs | {"a_mul": half, "b_mul": -3 * half // 4}, few, (40,), "s16")


def mul(rng: Rng) -> Cases:
    for label, inputs, shape, constant in _pairs(rng):
        m, n = scalar_mn(rng, 2.0**28)
        yield Case(label, {"m": m, "n": n} | limits(rng), inputs, shape, "s16", constant)


def clip(rng: Rng) -> Cases:
    yield Case("every value", {"lo": -32768, "hi": 32767}, (EVERY,), EVERY.shape, "s16")
    for shape, kind in itertools.product(SHAPES, FILLS_S8):
        yield Case(f"{shape} {kind}", limits(rng), (fill_s16(rng, shape, kind),), shape, "s16")


def lookup(rng: Rng) -> Cases:
    for shape, kind in itertools.product((*SHAPES, EVERY.shape), FILLS_S8):
        x = EVERY if shape == EVERY.shape else fill_s16(rng, shape, "random")
        yield Case(f"{shape} {kind}", {}, (x, fill_s16(rng, (513,), kind)), shape, "s16", (1,))


def requantize(rng: Rng) -> Cases:
    for (x_type, y_type), shape in itertools.product((("s8", "s16"), ("s16", "s8"), ("s16", "s16")), (*SHAPES, (4, 256))):
        for _ in range(3):
            x, bound = (fill_s8(rng, shape, "random"), 150.0) if x_type == "s8" else (fill_s16(rng, shape, "random"), 20000.0)
            m, n = scalar_mn(rng, bound, (20, 200) if y_type == "s8" else (5000, 50000))
            zeros = {"x_zero": pick(rng, ZEROS) if x_type == "s8" else 0, "y_zero": pick(rng, ZEROS) if y_type == "s8" else 0}
            ends = s8_limits(rng) if y_type == "s8" else limits(rng)
            yield Case(f"{x_type} to {y_type} {shape}", zeros | {"m": m, "n": n} | ends, (x,), shape, y_type)
    for m, n in (multiplier(2.0**e) for e in range(-33, 15)):
        attrs = {"x_zero": 0, "y_zero": 0, "m": m, "n": n, "lo": -32768, "hi": 32767}
        yield Case(f"2^{-n}", attrs, (EVERY,), EVERY.shape, "s16")
        yield Case(f"2^{-n} from int8", attrs | {"x_zero": -128}, (RIGHT[:256],), (256,), "s16")


def quantize(rng: Rng) -> Cases:
    for shape, kind in itertools.product(SHAPES, FILLS_F32):
        scale = float(np.float32(pick(rng, (0.0005, 1.0, 1.1754944e-38, 3e38, 0.3333333))))
        yield Case(f"{shape} {kind} {scale}", {"scale": scale}, (fill_f32(rng, shape, kind),), shape, "s16")
    halves = (np.arange(-140000, 140000, 7, dtype=np.float32) * np.float32(0.25)).astype(np.float32)
    yield Case("halves", {"scale": 0.5}, (halves,), halves.shape, "s16")


def dequantize(rng: Rng) -> Cases:
    for scale in (0.0005, 1.1754944e-38, 3e38, 1.0):
        yield Case(f"every value {scale}", {"scale": float(np.float32(scale))}, (EVERY,), EVERY.shape, "f32")
        yield Case(f"few {scale}", {"scale": float(np.float32(scale))}, (fill_s16(rng, (2, 3, 5), "random"),), (2, 3, 5), "f32")


def max_pool2d(rng: Rng) -> Cases:
    for g, kind in itertools.product(POOL, FILLS_S8):
        yield Case(f"{g} {kind}", pool_attrs(g) | limits(rng), (fill_s16(rng, g.image, kind),), pooled(g), "s16")


def avg_pool2d(rng: Rng) -> Cases:
    for g, (i, kind) in itertools.product(POOL, enumerate(FILLS_S8 * 2)):
        pairs = [scalar_mn(rng, c * 10000.0) for c in range(1, g.kernel[0] * g.kernel[1] + 1)]
        table = np.array([m for m, _ in pairs], "<i4").tobytes() + np.array([n for _, n in pairs], np.int8).tobytes()
        extra = (np.frombuffer(table, np.uint8),) if i >= 4 else ()
        attrs = pool_attrs(g) | limits(rng) | {"include_pad": i % 2}
        yield Case(f"{g} {kind} {len(extra)}", attrs, (fill_s16(rng, g.image, kind), *extra), pooled(g), "s16", (1,) if extra else ())


def reduce(rng: Rng) -> Cases:
    for (shape, axes, count, out), kind in itertools.product(list(reductions(rng)), range(4)):
        x = fill_s16(rng, shape, pick(rng, FILLS_S8))
        m, n = scalar_mn(rng, max(count * abs(float(x.mean())), 20000.0 * math.sqrt(count)))
        yield Case(f"kind {kind} {shape} axes {axes:b}", {"kind": kind, "axes": axes, "m": m, "n": n}, (x,), out, "s16")
    m, n = multiplier(1 / 70000)
    for fills in ("low", "high", "random"):  # sums that leave 32 bits
        attrs = {"kind": 1, "axes": 1, "m": m, "n": n}
        yield Case(f"mean of 70000 {fills}", attrs, (fill_s16(rng, (70000, 2), fills),), (2,), "s16")


ONE: dict[str, Callable[[Rng], Any]] = {
    "fully_connected": fully_connected,
    "add": add,
    "mul": mul,
    "clip": clip,
    "max_pool2d": max_pool2d,
    "avg_pool2d": avg_pool2d,
    "reduce": reduce,
    "quantize": quantize,
    "dequantize": dequantize,
    "requantize": requantize,
    "lookup": lookup,
}
TABLE: Table = {
    **{f"{name}_s16": partial(weighted, layout=layout) for name, layout in LAYOUTS.items()},
    **{f"{name}_s16": cases for name, cases in ONE.items()},
}
