"""Cases of the operators that move bytes of any type."""

from __future__ import annotations

import itertools
import math

import numpy as np

from tests.ops.cases import signs
from tests.ops.cases.base import SPECIALS, Case, Cases, Rng, Table, fill_any

TYPES = ("f32", "s32", "s16", "s8", "u8")
SHAPES = ((1,), (9,), (3, 5), (2, 3, 4), (1, 4, 3, 17), (2, 1, 3, 2, 5), (2, 3, 1, 2, 2, 3))


def six(values: list[int], rest: int) -> list[int]:
    return [*values, *[rest] * (6 - len(values))]


def reshape(rng: Rng) -> Cases:
    for kind, shape in itertools.product(TYPES, SHAPES):
        size = math.prod(shape)
        for to in ((size,), (1, size, 1), shape[::-1]):
            yield Case(f"{kind} {shape} to {to}", {}, (fill_any(rng, shape, kind),), to, kind)
    yield from signs.reshape(rng)


def transpose(rng: Rng) -> Cases:
    for kind, shape in itertools.product(TYPES, SHAPES):
        orders = list(itertools.permutations(range(len(shape))))
        for i in rng.choice(len(orders), min(8, len(orders)), replace=False):
            order = orders[i]
            attrs = {"perm": six(list(order), 0)}
            yield Case(f"{kind} {shape} {order}", attrs, (fill_any(rng, shape, kind),), tuple(shape[a] for a in order), kind)


def concat(rng: Rng) -> Cases:
    for kind, shape in itertools.product(TYPES, SHAPES):
        for axis in range(len(shape)):
            count = int(rng.integers(1, 5))
            sizes = [int(s) for s in rng.integers(1, 6, count)]
            inputs = tuple(fill_any(rng, (*shape[:axis], s, *shape[axis + 1 :]), kind) for s in sizes)
            constant = (1,) if count > 1 and axis == 0 else ()
            out = (*shape[:axis], sum(sizes), *shape[axis + 1 :])
            yield Case(f"{kind} {shape} axis {axis} {sizes}", {"axis": axis}, inputs, out, kind, constant)
    many = tuple(fill_any(rng, (2, 1 + i % 3), "s8") for i in range(64))
    yield Case("64 inputs", {"axis": 1}, many, (2, sum(v.shape[1] for v in many)), "s8", tuple(range(1, 64)))


def slice_(rng: Rng) -> Cases:
    for kind, shape in itertools.product(TYPES, SHAPES):
        for _ in range(6):
            begin: list[int] = []
            step: list[int] = []
            size: list[int] = []
            for dim in shape:
                s = int(rng.choice([1, 1, 2, 3, -1, -2]))
                b = int(rng.integers(0, dim))
                most = (dim - 1 - b) // s + 1 if s > 0 else b // -s + 1
                begin.append(b)
                step.append(s)
                size.append(int(rng.integers(1, most + 1)))
            attrs = {"begin": six(begin, 0), "step": six(step, 1)}
            yield Case(f"{kind} {shape} from {begin} by {step}", attrs, (fill_any(rng, shape, kind),), tuple(size), kind)


def pad(rng: Rng) -> Cases:
    for (kind, shape), mode in itertools.product(itertools.product(TYPES, SHAPES), range(4)):
        limit = [dim - 1 if mode == 1 else dim if mode == 3 else 4 for dim in shape]
        before, after = ([int(rng.integers(0, k + 1)) for k in limit] for _ in range(2))
        value = int(rng.integers(-(1 << 31), 1 << 31)) if mode == 0 and kind != "f32" else 0x40490FDB
        attrs = {"mode": mode, "value": value, "before": six(before, 0), "after": six(after, 0)}
        out = tuple(d + b + a for d, b, a in zip(shape, before, after, strict=True))
        yield Case(f"{kind} {shape} mode {mode} {before} {after}", attrs, (fill_any(rng, shape, kind),), out, kind)


def expand(rng: Rng) -> Cases:
    flat = (((1,), (5,)), ((3,), (2, 3)), ((3, 1), (3, 4)), ((1, 3, 1, 1), (2, 3, 4, 17)))
    pairs = (*flat, ((4, 1), (2, 1, 3, 2, 4, 5)), ((2, 1, 3, 1, 2, 1), (2, 4, 3, 1, 2, 3)))
    for kind, (shape, to) in itertools.product(TYPES, pairs):
        yield Case(f"{kind} {shape} to {to}", {}, (fill_any(rng, shape, kind),), to, kind)


def resize_nearest(rng: Rng) -> Cases:
    images = (((1, 1, 1, 1), (3, 2)), ((2, 4, 3, 5), (8, 6)), ((1, 7, 5, 17), (3, 2)), ((1, 2, 9, 4), (5, 9)))
    for kind, (shape, (oh, ow)) in itertools.product(TYPES, images):
        rows, cols = rng.integers(0, shape[1], oh).astype(np.int32), rng.integers(0, shape[2], ow).astype(np.int32)
        rows[-1], cols[0] = shape[1] - 1, shape[2] - 1
        inputs = (fill_any(rng, shape, kind), rows, cols)
        yield Case(f"{kind} {shape} to {oh}x{ow}", {}, inputs, (shape[0], oh, ow, shape[3]), kind, (1, 2))


def cast(rng: Rng) -> Cases:
    ends = np.array([0, 1, -1, 127, 128, -128, -129, 255, 256, 2**24 + 1, 2**24 + 3, 2**31 - 1, -(2**31), 2**31 - 64, 2**31 - 65], np.int32)
    near = np.array([2147483520, -2147483904, 255.99, -0.99], np.float32)
    floats = np.concatenate([SPECIALS, ends.astype(np.float32), np.arange(-300, 300, 0.75, dtype=np.float32), near])
    bytes_ = np.arange(256)
    sources = {"f32": floats, "s32": ends, "s8": bytes_.astype(np.uint8).view(np.int8), "u8": bytes_.astype(np.uint8)}
    for source, to in itertools.product(sources, sources):
        yield Case(f"{source} to {to}", {}, (sources[source],), sources[source].shape, to)
        for shape in SHAPES:
            yield Case(f"{source} to {to} {shape}", {}, (fill_any(rng, shape, source),), shape, to)


TABLE: Table = {
    "reshape": reshape,
    "transpose": transpose,
    "concat": concat,
    "slice": slice_,
    "pad": pad,
    "expand": expand,
    "resize_nearest": resize_nearest,
    "cast": cast,
}
