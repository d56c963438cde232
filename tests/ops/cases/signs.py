"""Cases of the operators on signs: products with thresholds and with int8 behind them, signs of int8, signs as int8."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.rounding import pack_rq
from tests.ops.cases.base import ZEROS, Array, Case, Cases, Rng, Table, channel_blob, fill_s8, pick, s8_limits
from tests.ops.cases.dense import LAYERS
from tests.ops.cases.geometry import Geometry, random_geometry
from tests.ops.cases.windows import CONV

G = Geometry
INT_MIN, INT_MAX = -(1 << 31), (1 << 31) - 1
DEPTHS = (1, 31, 32, 33, 63, 64, 65, 96, 100, 127, 128, 129, 160, 256)
SIGNS = (
    *(G((1, 3, 4, c), 9, (3, 3), pad=(1, 1, 1, 1)) for c in DEPTHS),
    *(G((1, 2, 3, c), 33, (1, 1)) for c in DEPTHS),
    *(G((1, 2, 7, 64), o, (2, 2)) for o in (1, 15, 16, 17, 31, 32, 64, 65, 95, 97, 128, 160)),
    *(G((1, 1, w, 40), 70, (1, 1)) for w in (1, 2, 3, 5, 6, 7, 11, 12, 13)),
    G((1, 30, 29, 32), 40, (3, 3), pad=(1, 1, 1, 1)),  # more than one band
    G((3, 9, 8, 96), 34, (3, 2), stride=(2, 1), dilation=(1, 3), pad=(1, 4, 2, 0)),
    G((2, 7, 7, 50), 36, (3, 3), stride=(2, 2), pad=(0, 0, 1, 1)),
    G((1, 2, 2, 65), 8, (5, 5), pad=(4, 4, 4, 4)),  # every pixel has other taps inside
    G((1, 3, 3, 32), 8, (2, 2), stride=(3, 3), dilation=(4, 4), pad=(6, 5, 6, 5)),  # some have none
    G((1, 4, 4, 33), 5, (3, 3), dilation=(2, 2), pad=(2, 2, 2, 2)),
    G((1, 1, 2, 1200), 17, (1, 1)),  # more bits of a lane than a byte counts
    G((1, 3, 9, 128), 48, (3, 3), pad=(1, 1, 1, 1)),
)
FILLS = ("random", "low", "high")


def fill(rng: Rng, shape: tuple[int, ...], kind: str) -> Array:
    if kind == "random":
        return rng.choice(np.array([-1, 1], np.int8), shape)
    return np.full(shape, -1 if kind == "low" else 1, np.int8)


def thresholds(rng: Rng, channels: int, inputs: int) -> Array:
    """Around the sums of noise, at the ends of the possible sums, and beyond any."""
    near = np.rint(rng.normal(0, np.sqrt(inputs), channels)).astype(np.int64)
    ends = rng.choice(
        np.array([INT_MIN, INT_MIN + 1, -inputs - 1, -inputs, 1 - inputs, inputs, inputs + 1, INT_MAX - 1, INT_MAX]), channels
    )
    return np.where(rng.random(channels) < 0.25, ends, near).astype(np.int32)


def blob(rng: Rng, channels: int, inputs: int) -> Array:
    spread = float(np.sqrt(inputs))
    return channel_blob(rng, channels, spread, (INT_MAX - inputs) if rng.random() < 0.1 else spread)


def layer(rng: Rng, label: str, x: Array, w: Array, shape: tuple[int, ...], attrs: dict[str, int], to_signs: bool) -> Case:
    """A product of signs with either output."""
    inputs = w[0].size
    channels = (thresholds if to_signs else blob)(rng, w.shape[0], inputs)
    zeros = {"y_zero": pick(rng, ZEROS)} | s8_limits(rng)
    return Case(label, attrs | zeros, (x, w, channels), shape, "b1" if to_signs else "s8", (1, 2), {0: "b1", 1: "b1"})


def conv(rng: Rng, g: Geometry, fills: tuple[str, str], to_signs: bool) -> Case:
    x, w = fill(rng, g.image, fills[0]), fill(rng, (g.out, *g.kernel, g.image[3]), fills[1])
    label = f"{g} x={fills[0]} w={fills[1]} to {'signs' if to_signs else 's8'}"
    return layer(rng, label, x, w, (g.image[0], *g.size(), g.out), g.attrs("groups"), to_signs)


def random_conv(rng: Rng) -> Case:
    g = random_geometry(rng, "pool")
    depth, out = (int(n) for n in rng.integers(1, (150, 100)))
    g = Geometry((*g.image[:3], depth), out, g.kernel, g.stride, g.dilation, g.pad)
    return conv(rng, g, (pick(rng, FILLS), pick(rng, FILLS)), bool(rng.integers(2)))


def conv2d_b1(rng: Rng) -> Cases:
    for i, g in enumerate((*SIGNS, *(g for g in CONV if g.groups == 1))):
        for to_signs in (True, False):
            yield conv(rng, g, ("random", "random"), to_signs)
        yield conv(rng, g, (FILLS[i % 3], FILLS[i // 3 % 3]), bool(i % 2))


def fully_connected_b1(rng: Rng) -> Cases:
    for i, (rows, k, o) in enumerate((*LAYERS, ((), 1024, 65), ((4,), 384, 40), ((5,), 2100, 70), ((1,), 4000, 33))):
        for fills, to_signs in (("random", True), ("random", False), (FILLS[i % 3], bool(i % 2))):
            x, w = fill(rng, (*rows, k), fills), fill(rng, (o, k), FILLS[i // 3 % 3])
            yield layer(rng, f"rows {rows} k={k} o={o} {fills} to {'signs' if to_signs else 's8'}", x, w, (*rows, o), {}, to_signs)


def sign_b1(rng: Rng) -> Cases:
    edges = np.array([-129, -128, -127, -1, 0, 1, 127, 128, 129, -32768, 32767])
    for i, shape in enumerate(((1,), (5,), (31,), (32,), (33,), (2, 40), (3, 64), (2, 3, 95), (1, 4, 5, 128), (700, 130))):
        for flips in (False, True):
            t = np.where(rng.random(shape[-1]) < 0.5, rng.choice(edges, shape[-1]), rng.integers(-128, 129, shape[-1])).astype(np.int16)
            more, stored = ((fill(rng, shape[-1:], "random"),), {2: "b1"}) if flips else ((), {})
            x = fill_s8(rng, shape, ("random", "low", "high", "ends")[i % 4])
            yield Case(f"{shape} flips={flips}", {}, (x, t, *more), shape, "b1", tuple(range(1, 2 + len(more))), stored)


def unpack_s8(rng: Rng) -> Cases:
    for i in range(128):
        shape = ((1,), (31,), (32,), (2, 33), (3, 64), (2, 3, 95))[i % 6]
        values = {"plus": 2 * i - 128, "minus": 127 - 2 * i}
        yield Case(f"{shape} {values}", values, (fill(rng, shape, "random"),), shape, stored={0: "b1"})
    yield Case("large", {"plus": 1, "minus": -1}, (fill(rng, (600, 129), "random"),), (600, 129), stored={0: "b1"})


def reshape(rng: Rng) -> Cases:
    """Rows that end with a word, or are as long as before."""
    for shape, to in (
        ((2, 64), (4, 32)),
        ((3, 2, 96), (576,)),
        ((2, 3, 5), (6, 5)),
        ((7,), (1, 7)),
        ((1, 1, 33), (33,)),
        ((4, 32), (1, 128)),
    ):
        yield Case(f"{shape} to {to}", {}, (fill(rng, shape, "random"),), to, "b1", stored={0: "b1"})


def with_bias(case: Case, room: int) -> Case:
    """An int8 output whose last channel's bias leaves `room` to the largest sum; room < 0: too large."""
    w = case.inputs[1]
    bias = np.zeros(w.shape[0], np.int64)
    bias[-1] = (INT_MAX - w[0].size - room) * (1 if len(case.label) % 2 else -1)
    channels = pack_rq(bias, np.full(w.shape[0], 1 << 30), np.full(w.shape[0], 20))
    return Case(f"{case.label} room {room}", case.attrs, (*case.inputs[:2], channels), case.shape, "s8", case.constant, case.stored)


TABLE: Table = {"conv2d_b1": conv2d_b1, "fully_connected_b1": fully_connected_b1, "sign_b1": sign_b1, "unpack_s8": unpack_s8}
