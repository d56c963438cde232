"""Products of signs: how a sum becomes signs, or int8 (SPEC.md 2.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeq_runtime.ops._common import Array, Attrs, finish_s8
from edgeq_runtime.rounding import unpack_rq


def signs(negative: Array) -> Array:
    """-1 where it is true, else 1."""
    return np.where(negative, -1, 1).astype(np.int8)


def finish(acc: NDArray[np.int64], channels: Array, attrs: Attrs) -> Array:
    """channels: s32 thresholds, below which a sum is -1, or the channel blob of an int8 output."""
    if channels.dtype == np.int32:
        return signs(acc < channels)
    bias, m, n = unpack_rq(channels)
    return finish_s8(acc + bias.astype(np.int64), m, n, attrs)
