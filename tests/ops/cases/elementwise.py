"""Cases of the operators that compute each element for itself, with one input or with two that broadcast."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq_runtime.rounding import multiplier
from tests.ops.cases.base import (
    FILLS_F32,
    FILLS_S8,
    SPECIALS,
    ZEROS,
    Array,
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

Shape = tuple[int, ...]
PAIRS: tuple[tuple[Shape, Shape], ...] = (
    *(((n,), (n,)) for n in (1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100)),
    ((2, 3), (3,)),
    ((3,), (2, 3)),
    ((2, 3), (2, 1)),
    ((2, 1), (1, 3)),
    ((1,), (4, 5)),
    ((4, 5), ()),
    ((), (3,)),
    ((2, 3, 4, 17), (2, 3, 4, 17)),
    ((1, 3, 4, 17), (17,)),
    ((1, 3, 4, 16), (1, 1, 1, 16)),
    ((2, 3, 4, 5), (2, 1, 1, 5)),
    ((2, 1, 3, 1, 2, 2), (4, 1, 5, 1, 2)),
    ((2, 3, 1, 2, 1, 3), (1, 3, 2, 1, 4, 1)),
)
SHAPES: tuple[Shape, ...] = ((1,), (9,), (33,), (2, 17), (2, 3, 4), (1, 5, 4, 8), (2, 1, 3, 1, 5), (1, 2, 1, 3, 2, 4))
LEFT = np.arange(-128, 128).astype(np.int8).repeat(256)
RIGHT = np.tile(np.arange(-128, 128).astype(np.int8), 256)


def _pairs_s8(rng: Rng) -> Iterator[tuple[str, tuple[Array, Array], Shape, tuple[int, ...]]]:
    """Label, inputs, output shape, constants; the last one is every pair of values."""
    for i, (a, b) in enumerate(PAIRS):
        for j, fa in enumerate(FILLS_S8):
            fb = FILLS_S8[(i + j) % 4]
            inputs = (fill_s8(rng, a, fa), fill_s8(rng, b, fb))
            yield f"{a} {b} {fa} {fb}", inputs, np.broadcast_shapes(a, b), ((), (1,), (0,))[j % 3]
    for i in range(6):
        yield f"all pairs {i}", (LEFT, RIGHT), (65536,), ()


def _two_zeros(rng: Rng) -> dict[str, int]:
    return {name: pick(rng, ZEROS) for name in ("a_zero", "b_zero", "y_zero")}


def add_s8(rng: Rng) -> Cases:
    ends = (-(1 << 15), (1 << 15) - 1, 1 << 14, -(1 << 14))
    for label, inputs, shape, constant in _pairs_s8(rng):
        big, small = (pick(rng, ends), int(rng.integers(-(1 << 15), 1 << 15))) if rng.random() < 0.6 else (20011, -13001)
        a_mul, b_mul = (big, small) if rng.random() < 0.5 else (small, big)
        shift = pick(rng, (1, 2, 14, 15, 15, 16, 16, 17, 20, 30))
        attrs = _two_zeros(rng) | {"a_mul": a_mul, "b_mul": b_mul, "shift": shift} | s8_limits(rng)
        yield Case(f"{label} {a_mul} {b_mul} >> {shift}", attrs, inputs, shape, constant=constant)
    yield from _every_shift(rng)


def _every_shift(rng: Rng) -> Cases:
    """Multipliers that use int8 well and give ties, and the largest sums of both signs, since fast paths hold for some shifts only."""
    whole = {"lo": -128, "hi": 127}
    for shift in range(1, 31):
        inputs = fill_s8(rng, (40,), "random"), fill_s8(rng, (40,), "random")
        half = min(1 << (shift - 1), 1 << 14)
        attrs = _two_zeros(rng) | {"a_mul": half, "b_mul": -3 * half // 4, "shift": shift} | whole
        yield Case(f"ties >> {shift}", attrs, inputs, (40,))
        for sign, zero, value in itertools.product((-1, 1), (-128, 127), (-128, 127)):
            mul = max(-(1 << 15), min((1 << 15) - 1, sign << 15))
            attrs = {"a_zero": zero, "b_zero": zero, "y_zero": zero, "a_mul": mul, "b_mul": mul, "shift": shift} | whole
            full = np.full(9, value, np.int8)
            yield Case(f"ends {sign} {zero} {value} >> {shift}", attrs, (full, full), (9,))


def mul_s8(rng: Rng) -> Cases:
    for label, inputs, shape, constant in _pairs_s8(rng):
        m, n = scalar_mn(rng, 5000.0)
        yield Case(label, _two_zeros(rng) | {"m": m, "n": n} | s8_limits(rng), inputs, shape, constant=constant)


def _smaller_or_larger(rng: Rng) -> Cases:
    for label, inputs, shape, constant in _pairs_s8(rng):
        yield Case(label, s8_limits(rng), inputs, shape, constant=constant)


def lookup_s8(rng: Rng) -> Cases:
    for shape in SHAPES:
        yield Case(f"{shape}", {}, (fill_s8(rng, shape, "random"), fill_s8(rng, (256,), "random")), shape, constant=(1,))
    yield Case("every value", {}, (RIGHT[:256], fill_s8(rng, (256,), "random")), (256,), constant=(1,))


def lookup2_s8(rng: Rng) -> Cases:
    for label, inputs, shape, constant in list(_pairs_s8(rng))[:-5]:
        yield Case(label, {}, (*inputs, fill_s8(rng, (65536,), "random")), shape, constant=(*constant, 2))


def prelu_s8(rng: Rng) -> Cases:
    for label, (x, alpha), shape, _ in _pairs_s8(rng):
        if x.shape != shape:
            continue
        (m_pos, n_pos), (m_neg, n_neg) = scalar_mn(rng, 150.0), scalar_mn(rng, 5000.0)
        attrs = {"x_zero": pick(rng, ZEROS), "y_zero": pick(rng, ZEROS), "m_pos": m_pos, "n_pos": n_pos, "m_neg": m_neg, "n_neg": n_neg}
        yield Case(label, attrs, (x, alpha), shape, constant=(1,) if alpha.size < 65536 else ())


def clip_s8(rng: Rng) -> Cases:
    yield Case("every value", {"lo": -128, "hi": 127}, (RIGHT[:256],), (256,))
    for shape in SHAPES:
        for kind in FILLS_S8:
            yield Case(f"{shape} {kind}", s8_limits(rng), (fill_s8(rng, shape, kind),), shape)


def requantize_s8(rng: Rng) -> Cases:
    for shape in (*SHAPES, (256,), (4, 256)):  # a table pays from 512 elements on
        for _ in range(6):
            m, n = scalar_mn(rng, 150.0)
            attrs = {"x_zero": pick(rng, ZEROS), "y_zero": pick(rng, ZEROS), "m": m, "n": n} | s8_limits(rng)
            x = RIGHT[: math.prod(shape)].reshape(shape) if shape[-1] == 256 else fill_s8(rng, shape, "random")
            yield Case(f"{shape} m={m} n={n}", attrs, (x,), shape)
    for m, n in (multiplier(2.0**e) for e in range(-33, 22)):
        yield Case(f"2^{-n}", {"x_zero": -128, "y_zero": 0, "m": m, "n": n, "lo": -128, "hi": 127}, (RIGHT[:256],), (256,))


def quantize_s8(rng: Rng) -> Cases:
    for shape in SHAPES:
        for kind in FILLS_F32:
            scale = float(np.float32(pick(rng, (0.05, 1.0, 1.1754944e-38, 3e38, 0.3333333))))
            yield Case(f"{shape} {kind} {scale}", {"scale": scale, "zero": pick(rng, ZEROS)}, (fill_f32(rng, shape, kind),), shape)
    halves = (np.arange(-600, 600, dtype=np.float32) * np.float32(0.25)).astype(np.float32)
    for zero in ZEROS:
        yield Case(f"halves, zero {zero}", {"scale": 0.5, "zero": zero}, (halves,), halves.shape)


def quantize_f32(rng: Rng) -> Cases:
    for case in quantize_s8(rng):
        low, high = sorted((int(rng.integers(-128, 128)), int(rng.integers(-128, 128)))) if rng.random() < 0.7 else (-128, 127)
        yield replace(case, attrs=case.attrs | {"low": low, "high": high}, dtype="f32")


def dequantize_s8(rng: Rng) -> Cases:
    for shape in SHAPES:
        for scale in (0.05, 1.1754944e-38, 3e38):
            x = fill_s8(rng, shape, "random")
            yield Case(f"{shape} {scale}", {"scale": float(np.float32(scale)), "zero": pick(rng, ZEROS)}, (x,), shape, "f32")


def _pairs_f32(limits: bool) -> Callable[[Rng], Cases]:
    def cases(rng: Rng) -> Cases:
        for i, (a, b) in enumerate(PAIRS):
            for j, kind in enumerate(FILLS_F32):
                inputs = (fill_f32(rng, a, kind), fill_f32(rng, b, FILLS_F32[(i + j) % 4]))
                attrs = f32_limits(rng) if limits else {}
                yield Case(f"{a} {b} {kind}", attrs, inputs, np.broadcast_shapes(a, b), "f32", ((), (1,), (0,))[j % 3])
        left, right = (v.reshape(-1) for v in np.meshgrid(SPECIALS, SPECIALS))
        open_end = {"lo": float("-inf"), "hi": float("inf")} if limits else {}
        yield Case("every pair of specials", open_end, (left, right), left.shape, "f32")

    return cases


def prelu_f32(rng: Rng) -> Cases:
    return (c for c in _pairs_f32(limits=False)(rng) if c.inputs[0].shape == c.shape and 0 not in c.constant)


def sign_f32(rng: Rng) -> Cases:
    """Thresholds alone and with turned elements; also those that x has itself, where x is not below."""
    for i, case in enumerate(prelu_f32(rng)):
        x, t = case.inputs
        if i % 2 and t.size == x.size:
            t = np.where(rng.random(t.shape) < 0.5, x.reshape(t.shape), t)
        turn = rng.choice(np.array([1, -1, -0.0, np.nan], np.float32), t.shape)
        inputs = (x, t) if i % 3 == 0 else (x, t, turn)
        constant = case.constant + (2,) * (len(inputs) - 2) if case.constant else ()
        yield replace(case, attrs=_levels(rng), inputs=inputs, constant=constant)


def _levels(rng: Rng) -> dict[str, float]:
    plus = float(np.float32(pick(rng, (1.0, 0.37, 1e-40, 3e38))))
    return {"plus": plus, "minus": pick(rng, (-plus, 0.0))}


def _one_f32(attrs: Callable[[Rng], dict[str, Any]]) -> Callable[[Rng], Cases]:
    def cases(rng: Rng) -> Cases:
        for shape in SHAPES:
            for kind in FILLS_F32:
                yield Case(f"{shape} {kind}", attrs(rng), (fill_f32(rng, shape, kind),), shape, "f32")
        grid = np.concatenate([SPECIALS, np.linspace(-120, 120, 3001, dtype=np.float32), (np.arange(-200, 200) * 1e-4).astype(np.float32)])
        words = np.ascontiguousarray(rng.integers(0, 1 << 32, 4096, dtype=np.uint32)).view(np.float32)
        for label, x in (("grid", grid), ("any bits", words)):
            yield Case(label, attrs(rng), (x,), x.shape, "f32")

    return cases


def _slope(rng: Rng) -> dict[str, Any]:
    return {"alpha": float(np.float32(pick(rng, (0.01, 0.3, -2.0, 0.0, 1e-40))))}


def _slope_and_offset(rng: Rng) -> dict[str, Any]:
    return _slope(rng) | {"beta": float(np.float32(pick(rng, (0.5, 0.0, -0.25))))}


TABLE: Table = {
    "add_s8": add_s8,
    "mul_s8": mul_s8,
    "min_s8": _smaller_or_larger,
    "max_s8": _smaller_or_larger,
    "lookup_s8": lookup_s8,
    "lookup2_s8": lookup2_s8,
    "prelu_s8": prelu_s8,
    "clip_s8": clip_s8,
    "requantize_s8": requantize_s8,
    "quantize_s8": quantize_s8,
    "dequantize_s8": dequantize_s8,
    **{f"{name}_f32": _pairs_f32(limits=True) for name in ("add", "sub", "mul", "div", "min", "max")},
    "pow_f32": _pairs_f32(limits=False),
    "prelu_f32": prelu_f32,
    "sign_f32": sign_f32,
    "quantize_f32": quantize_f32,
    "clip_f32": _one_f32(f32_limits),
    "leaky_relu_f32": _one_f32(_slope),
    "hard_sigmoid_f32": _one_f32(_slope_and_offset),
    **{f"{name}_f32": _one_f32(lambda _: {}) for name in ("sigmoid", "tanh", "hard_swish")},
}
