"""int8 convolution of each channel alone: x s8 [N,H,W,C], w s8 [KH,KW,O], O = C mult, channel blob u8 [9 O]; y s8 [N,OH,OW,O]."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs, finish_s8, wide
from edgeq_runtime.ops._weights import weights
from edgeq_runtime.ops._window import taps, window


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x, given = wide(inputs[0], attrs["x_zero"]), weights(attrs, inputs)
    w = given.w
    acc = np.broadcast_to(given.bias, output_shape).copy()
    x = np.repeat(x, w.shape[2] // x.shape[3], axis=3)
    for ky, kx, tap in taps(x, window(attrs, w.shape, output_shape), 0):
        acc += tap * w[ky, kx]
    return finish_s8(acc, given.m, given.n, attrs)
