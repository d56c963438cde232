"""Sound cases made wrong in one place: attributes that no operator allows, and tensors that do not fit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq_runtime import lists
from edgeq_runtime.ops import DTYPES
from edgeq_runtime.rounding import pack_rq, unpack_rq
from tests.ops.cases.base import Array, Case

INT_MAX, INT_MIN = (1 << 31) - 1, -(1 << 31)
_BAD_ZERO = (-129, 128, INT_MAX, INT_MIN)
_BAD_M, _BAD_N = (-1, 1, (1 << 30) - 1, INT_MIN), (-23, 32, INT_MAX, INT_MIN)
_BAD_COUNT = (0, -1, INT_MIN, INT_MAX)
BAD_BY_NAME: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("stride_h", "stride_w", "dilation_h", "dilation_w"), (0, -1, INT_MIN)),
    **dict.fromkeys(("kernel_h", "kernel_w"), _BAD_COUNT),
    **dict.fromkeys(("pad_top", "pad_left", "pad_bottom", "pad_right"), (-1, INT_MIN, INT_MAX)),
    **dict.fromkeys(("x_zero", "w_zero", "y_zero", "a_zero", "b_zero", "zero"), _BAD_ZERO),
    **dict.fromkeys(("m", "m_pos", "m_neg"), _BAD_M),
    **dict.fromkeys(("n", "n_pos", "n_neg"), _BAD_N),
    **dict.fromkeys(("a_mul", "b_mul"), (1 << 15, -(1 << 15) - 1, INT_MIN)),
    **dict.fromkeys(("plus", "minus", "low", "high"), _BAD_ZERO),
    "groups": (0, -1, 1 << 20, INT_MIN),
    "shift": (0, 31, -1, INT_MAX),
    "include_pad": (2, -1),
    "kind": (-1, 8, INT_MAX),
    "mode": (-1, 4),
    "axis": (-1, 6, INT_MAX, INT_MIN),
    "axes": (1 << 6, -1, INT_MIN),
}
BAD_ARRAYS: dict[str, tuple[int, ...]] = {
    "perm": (-1, 6, INT_MAX),
    "begin": (-1, INT_MAX, INT_MIN),
    "step": (0, INT_MAX, INT_MIN),
    "before": (-1, INT_MAX),
    "after": (-1, INT_MAX),
}
BAD_FLOATS = {"scale": (0.0, -1.0, math.nan, math.inf, 1e-45), "plus": (), "minus": ()}
FREE = {"value", "alpha", "beta"}  # any bits mean something


def _with(case: Case, field: str, value: Any) -> Case:
    return replace(case, label=f"{field} = {value}", attrs=case.attrs | {field: value})


def bad_attributes(op: str, case: Case) -> Iterator[Case]:
    """Every field of the row with every value that is wrong whatever the shapes are."""
    for field in lists.ops()[op].fields:
        if field.name in ("lo", "hi", *FREE):
            continue
        if field.count:
            values = list(case.attrs[field.name])
            yield from (_with(case, field.name, [bad, *values[1:]]) for bad in BAD_ARRAYS[field.name])
        elif field.kind == "float":
            yield from (_with(case, field.name, bad) for bad in BAD_FLOATS[field.name])
        else:
            yield from (_with(case, field.name, bad) for bad in BAD_BY_NAME[field.name])
    yield from _bad_limits(case)
    if "low" in case.attrs:
        yield replace(case, label="low 5, high 4", attrs=case.attrs | {"low": 5, "high": 4})


def _bad_limits(case: Case) -> Iterator[Case]:
    if "lo" not in case.attrs:
        return
    low, high = (-32768, 32767) if case.dtype == "s16" else (-128, 127)
    pairs: tuple[tuple[Any, Any], ...] = ((5, 4), (low - 1, 0), (0, high + 1), (INT_MIN, INT_MAX))
    if isinstance(case.attrs["lo"], float):
        pairs = ((1.0, 0.5), (math.nan, 1.0), (0.0, math.nan))
    for lo, hi in pairs:
        yield replace(case, label=f"lo {lo}, hi {hi}", attrs=case.attrs | {"lo": lo, "hi": hi})


def _swap(case: Case, index: int, value: Array, label: str) -> Case:
    """A value of another type is stored as it is."""
    inputs = (*case.inputs[:index], value, *case.inputs[index + 1 :])
    stored = {i: kind for i, kind in case.stored.items() if i != index or value.dtype == case.inputs[index].dtype}
    return replace(case, label=f"input {index}: {label}", inputs=inputs, stored=stored)


def bad_tensors(case: Case) -> Iterator[Case]:
    """Inputs and the output with another type, one more on an axis, one axis more or fewer; each may still mean something."""
    for i, value in enumerate(case.inputs):
        for name, kind in DTYPES.items():
            if np.dtype(kind) != value.dtype:
                yield _swap(case, i, np.zeros(value.shape, kind), f"type {name}")
        if i in case.stored:
            yield replace(case, label=f"input {i}: not packed", stored={j: kind for j, kind in case.stored.items() if j != i})
        for axis in range(value.ndim):
            yield _swap(case, i, np.concatenate([value, np.take(value, [0], axis)], axis), f"one more on axis {axis}")
        if value.ndim > 1:
            yield _swap(case, i, np.ascontiguousarray(value[0]), "first axis gone")
        if value.ndim < 6 and not (value.ndim == 1 and i in case.constant):  # a table is its elements, whatever its rank
            yield _swap(case, i, value[None], "one axis more")
        yield replace(case, label=f"input {i} {'in the arena' if i in case.constant else 'constant'}", constant=_toggled(case.constant, i))
    for name in DTYPES:
        if name != case.dtype:
            yield replace(case, label=f"output type {name}", dtype=name)
    for axis in range(len(case.shape)):
        yield replace(
            case, label=f"output larger on axis {axis}", shape=(*case.shape[:axis], case.shape[axis] + 1, *case.shape[axis + 1 :])
        )
    yield replace(case, label="output rank", shape=(2, *case.shape[-5:]))


def _toggled(constant: tuple[int, ...], i: int) -> tuple[int, ...]:
    return tuple(sorted(set(constant) ^ {i}))


def bad_blobs(case: Case, index: int) -> Iterator[Case]:
    """Channel blobs with a wrong length, m or n in the last channel."""
    blob = case.inputs[index]
    bias, m, n = (part.copy() for part in unpack_rq(blob))
    yield _swap(case, index, blob[:-1].copy(), "a byte short")
    yield _swap(case, index, np.concatenate([blob, blob[:9]]), "a channel long")
    for bad in _BAD_M:
        yield _swap(case, index, pack_rq(bias, np.append(m[:-1], np.int32(bad)), n), f"m {bad}")
    for bad in (-23, 32, 127, -128):
        yield _swap(case, index, pack_rq(bias, m, np.append(n[:-1], np.int8(bad))), f"n {bad}")


def bad_places(case: Case, indices: tuple[int, ...], sizes: tuple[int, ...], shift: int) -> Iterator[Case]:
    """Rows and columns outside the image; shift: bits of weight below the place."""
    for index, size in zip(indices, sizes, strict=True):
        for bad in (-1, size, INT_MAX >> shift, INT_MIN >> shift):
            places = case.inputs[index].copy()
            places[-1] = bad << shift
            yield _swap(case, index, places, f"place {bad}")
        if shift:
            places = case.inputs[index].copy()
            places[0] = places[0] & ~4095 | 2049
            yield _swap(case, index, places, "weight 2049")
