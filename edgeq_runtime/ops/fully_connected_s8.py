"""int8 product of rows with weights: x s8 [..., K], w s8 [O,K], channel blob u8 [9 O]; y s8 [..., O]."""

from __future__ import annotations

from edgeq_runtime.ops._common import Array, Attrs, finish_s8, wide
from edgeq_runtime.rounding import unpack_rq


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x, w = wide(inputs[0], attrs["x_zero"]), wide(inputs[1], attrs["w_zero"])
    bias, m, n = unpack_rq(inputs[2])
    acc = x.reshape(-1, w.shape[1]) @ w.T + bias
    return finish_s8(acc, m, n, attrs).reshape(output_shape)
