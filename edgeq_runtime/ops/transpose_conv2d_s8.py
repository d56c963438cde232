"""int8 transposed convolution: x s8 [N,H,W,C], w s8 [O,KH,KW,C/groups], channel blob u8 [9 O]; y s8 [N,OH,OW,O]."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs, finish_s8, wide
from edgeq_runtime.ops._weights import weights
from edgeq_runtime.ops._window import transposed_taps, window


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x, given = wide(inputs[0], attrs["x_zero"]), weights(attrs, inputs)
    w = given.w
    acc = np.broadcast_to(given.bias, output_shape).copy()
    outs, ins = w.shape[0] // attrs["groups"], w.shape[3]
    for ky, kx, (iy, ix), (oy, ox) in transposed_taps(x, window(attrs, w.shape[1:3], output_shape)):
        for g in range(attrs["groups"]):
            o, c = slice(g * outs, (g + 1) * outs), slice(g * ins, (g + 1) * ins)
            acc[:, oy, ox, o] += x[:, iy, ix, c] @ w[o, ky, kx].T
    return finish_s8(acc, given.m, given.n, attrs)
