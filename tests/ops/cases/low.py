"""Cases of the operators with int8 activations whose weights are stored in less than a byte."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq_runtime.ops._weights import GROUPS, multipliers
from edgeq_runtime.packing import bounds
from edgeq_runtime.rounding import pack_rq, unpack_rq
from tests.ops.cases.base import (
    FILLS_S8,
    ZEROS,
    Array,
    Case,
    Cases,
    Rng,
    channel_blob,
    dot_spread,
    fill_s8,
    pick,
    s8_limits,
)
from tests.ops.cases.dense import LAYERS
from tests.ops.cases.geometry import Geometry, random_geometry
from tests.ops.cases.windows import BY_LAYOUT, LAYOUTS, weight_shape

OPS = {**{f"{name}_s8": layout for name, layout in LAYOUTS.items()}, "fully_connected_s8": "dense"}
# How weights are stored; "high" and "nested": the planes of 16 h + l, the first alone or both; "/groups": with multipliers.
FORMS = ("s4", "s2", "b1", "high", "nested", "s4/groups", "s2/groups")
DEPTHWISE_FORMS = ("s4", "high", "nested")
# Sizes around the steps of every width: several groups of inputs in a tap, and a shorter last one.
DEEP = (
    Geometry((1, 3, 3, 64), 17, (1, 1)),
    Geometry((1, 2, 3, 100), 33, (1, 1)),
    Geometry((1, 4, 3, 96), 20, (3, 3), pad=(1, 1, 1, 1)),
    Geometry((2, 3, 4, 40), 9, (2, 3), stride=(1, 2), pad=(1, 0, 0, 2)),
    Geometry((1, 1, 5, 300), 64, (1, 1)),
    Geometry((1, 3, 2, 130), 6, (2, 2), groups=2),
)


def forms(op: str) -> tuple[str, ...]:
    return DEPTHWISE_FORMS if OPS[op] == "depthwise" else FORMS


def fill(rng: Rng, shape: tuple[int, ...], dtype: str, kind: str) -> Array:
    low, high = bounds(dtype)
    ends = np.array([low, high], np.int8)
    if kind in ("low", "high"):
        return np.full(shape, ends[int(kind == "high")], np.int8)
    if kind == "ends" or dtype == "b1":
        return rng.choice(ends, shape)
    return rng.integers(low, high + 1, shape, np.int8)


def with_weights(
    rng: Rng, form: str, x: Array, w_shape: tuple[int, ...], out: int, fills: str, zero: int
) -> tuple[tuple[Array, ...], dict[int, str]]:
    """Weights, channel blob and what the fourth input is, with their stored types."""
    dtype = {"high": "s4", "nested": "s4"}.get(form, form.partition("/")[0])
    w, more, stored = fill(rng, w_shape, dtype, fills), [], {1: dtype}
    real = w.astype(np.int64)
    if form.endswith("/groups"):
        sizes = [s for s in GROUPS if s < w_shape[-1]]
        given = rng.integers(1, 128, (out, int(np.prod(w_shape[1:-1])), -(-w_shape[-1] // pick(rng, tuple(sizes)))), np.uint8)
        more, real = [given], w * multipliers(given, w_shape)
    elif form == "nested":
        low = fill(rng, w_shape, "s4", pick(rng, FILLS_S8))
        w = np.maximum(w, -7)  # what a high plane beside a low one may hold
        more, real, stored = [low], 16 * w.astype(np.int64) + low, {1: "s4", 3: "s4"}
    elif form == "high":
        real = 16 * real
    spread = dot_spread(x, zero, real, 0, w.size // out)
    blob = channel_blob(rng, out, spread, spread)
    if form == "high":
        more = [unpack_rq(channel_blob(rng, out, spread, spread))[0]]
    return (w, blob, *more), stored


def case(rng: Rng, op: str, form: str, g: Geometry, fills: tuple[str, str]) -> Case:
    layout = OPS[op]
    w_shape, out, size, attrs = weight_shape(rng, g, layout)
    zeros = {"x_zero": pick(rng, ZEROS), "w_zero": 0, "y_zero": pick(rng, ZEROS)}
    x = fill_s8(rng, g.image, fills[0])
    given, stored = with_weights(rng, form, x, w_shape, out, fills[1], zeros["x_zero"])
    label = f"{layout} {form} {g} x={fills[0]} w={fills[1]}"
    places = tuple(range(1, 1 + len(given)))
    return Case(label, attrs | zeros | s8_limits(rng), (x, *given), (g.image[0], *size, out), constant=places, stored=stored)


def dense(rng: Rng, form: str, rows: tuple[int, ...], k: int, o: int, fills: tuple[str, str]) -> Case:
    zeros = {"x_zero": pick(rng, ZEROS), "w_zero": 0, "y_zero": pick(rng, ZEROS)}
    x = fill_s8(rng, (*rows, k), fills[0])
    given, stored = with_weights(rng, form, x, (o, k), o, fills[1], zeros["x_zero"])
    label = f"rows {rows} k={k} o={o} {form} x={fills[0]} w={fills[1]}"
    return Case(label, zeros | s8_limits(rng), (x, *given), (*rows, o), constant=tuple(range(1, 1 + len(given))), stored=stored)


def cases(op: str, form: str, rng: Rng) -> Cases:
    if OPS[op] == "dense":
        for i, (rows, k, o) in enumerate((*LAYERS, ((), 1024, 65), ((4,), 384, 40))):
            if k > GROUPS[0] or not form.endswith("/groups"):
                yield dense(rng, form, rows, k, o, ("random", "random"))
                yield dense(rng, form, rows, k, o, (FILLS_S8[i % 4], FILLS_S8[i // 4 % 4]))
        return
    deep = () if OPS[op] == "depthwise" else DEEP
    for i, g in enumerate((*BY_LAYOUT[OPS[op]], *deep)):
        if g.image[3] // g.groups > GROUPS[0] or not form.endswith("/groups"):
            yield case(rng, op, form, g, ("random", "random"))
            yield case(rng, op, form, g, (FILLS_S8[i % 4], FILLS_S8[i // 4 % 4]))


def random_low(op: str, form: str, rng: Rng) -> Case:
    g = random_geometry(rng, OPS[op])
    if form.endswith("/groups"):
        g = replace(g, image=(*g.image[:3], int(rng.integers(33, 140)) * g.groups))
    return case(rng, op, form, g, (pick(rng, FILLS_S8), pick(rng, FILLS_S8)))


def long_rows(form: str, k: int, positive: bool) -> Case:
    """Five rows of k inputs, as far from their zero point as they can be, and weights of the largest magnitude: a sum as large as any."""
    rows, o, zero = 5, 17, -128 if positive else 127
    dtype = "s4" if form == "nested" else form
    w = np.full((o, k), -7 if form == "nested" else bounds(dtype)[0], np.int8)
    more = (w,) if form == "nested" else ()
    x = np.full((rows, k), 127 if positive else -128, np.int8)
    blob = pack_rq(np.zeros(o, np.int32), [1 << 30] * o, [23] * o)
    zeros = {"x_zero": zero, "w_zero": 0, "y_zero": 0, "lo": -128, "hi": 127}
    stored = {1: dtype} | ({3: "s4"} if more else {})
    return Case(f"{form} k={k}", zeros, (x, w, blob, *more), (rows, o), constant=tuple(range(1, 3 + len(more))), stored=stored)
