"""int8 product of rows with weights: x s8 [..., K], w s8 [O,K], channel blob u8 [9 O]; y s8 [..., O]."""

from __future__ import annotations

from edgeq_runtime.ops._common import Array, Attrs, finish_s8, wide
from edgeq_runtime.ops._sums import fully_connected
from edgeq_runtime.ops._weights import weights


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x, given = wide(inputs[0], attrs["x_zero"]), weights(attrs, inputs)
    return finish_s8(fully_connected(x, given, output_shape), given.m, given.n, attrs)
