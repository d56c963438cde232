"""Constant weights of an operator with int8 activations: what each counts, from the inputs behind the first (SPEC.md 2.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq_runtime.ops._common import Array, Attrs
from edgeq_runtime.rounding import unpack_rq

GROUPS = (32, 64, 128)  # inputs of a group


@dataclass(frozen=True)
class Weights:
    """w: what each weight counts, in the shape of the weights, int64. bias, m, n: one per output channel."""

    w: NDArray[np.int64]
    bias: NDArray[np.int64]
    m: Array
    n: Array


def weights(attrs: Attrs, inputs: list[Array]) -> Weights:
    """inputs: x, w, channel blob, and one more where the weights are of less than a byte and it says how they count."""
    w = inputs[1].astype(np.int64) - attrs.get("w_zero", 0)
    bias, m, n = unpack_rq(inputs[2])
    if len(inputs) == 4:
        more = inputs[3]
        if more.dtype == np.uint8:
            w = w * multipliers(more, inputs[1].shape)
        elif more.dtype == np.int32:
            w, bias = 16 * w, more
        else:
            w = 16 * w + more
    return Weights(w, bias.astype(np.int64), m, n)


def group_size(inputs: int, groups: int) -> int:
    """Inputs of a group where the inputs of a tap are so many groups. ValueError where no size gives that many."""
    for size in GROUPS:
        if groups > 1 and -(-inputs // size) == groups:
            return size
    raise ValueError(f"{inputs} inputs are no {groups} groups of {', '.join(map(str, GROUPS))}")


def multipliers(given: Array, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """u8 [O, taps, groups of a tap], one per weight of the shape [O, ..., C]."""
    inputs, taps = shape[-1], int(np.prod(shape[1:-1], dtype=np.int64))
    groups = given.reshape(shape[0], taps, -1).astype(np.int64)
    each = np.repeat(groups, group_size(inputs, groups.shape[2]), axis=2)[..., :inputs]
    return each.reshape(shape)
