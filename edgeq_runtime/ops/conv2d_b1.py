"""Convolution of signs: x b1 [N,H,W,C], w b1 [O,KH,KW,C], thresholds s32 [O] or channel blob u8 [9 O]; y b1 or s8 [N,OH,OW,O]."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs, wide
from edgeq_runtime.ops._signs import finish
from edgeq_runtime.ops._window import taps, window


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x, w = wide(inputs[0], 0), wide(inputs[1], 0)
    acc = np.zeros(output_shape, np.int64)
    for ky, kx, tap in taps(x, window(attrs, w.shape[1:3], output_shape), 0):
        acc += tap @ w[:, ky, kx].T
    return finish(acc, inputs[2], attrs)
