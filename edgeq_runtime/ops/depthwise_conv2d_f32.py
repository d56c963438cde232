"""float32 convolution of each channel alone: x f32 [N,H,W,C], w f32 [KH,KW,O], O = C mult, bias f32 [O]; y f32 [N,OH,OW,O]."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs, clamp_f32
from edgeq_runtime.ops._window import taps, valid_taps, window


@np.errstate(all="ignore")
def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x, w, bias = inputs
    x = np.repeat(x, w.shape[2] // x.shape[3], axis=3)
    win = window(attrs, w.shape, output_shape)
    acc = np.zeros(output_shape, np.float32)
    for (ky, kx, tap), valid in zip(taps(x, win, 0.0), valid_taps(x, win), strict=True):
        acc = np.where(valid, acc + tap * w[ky, kx], acc)
    return clamp_f32(acc + bias, attrs["lo"], attrs["hi"])
