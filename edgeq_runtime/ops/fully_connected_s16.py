"""int16 product of rows with weights: x s16 [..., K], w s8 [O,K], channel blob u8 [9 O]; y s16 [..., O]."""

from __future__ import annotations

from edgeq_runtime.ops._common import Array, Attrs, finish_s16, wide
from edgeq_runtime.ops._sums import fully_connected
from edgeq_runtime.ops._weights import weights


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x, given = wide(inputs[0], 0), weights(attrs, inputs)
    return finish_s16(fully_connected(x, given, output_shape), given.m, given.n, attrs)
