"""float32 transposed convolution: x f32 [N,H,W,C], w f32 [O,KH,KW,C/groups], bias f32 [O]; y f32 [N,OH,OW,O]."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs, clamp_f32
from edgeq_runtime.ops._window import transposed_taps, window


@np.errstate(all="ignore")
def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x, w, bias = inputs
    outs, ins = w.shape[0] // attrs["groups"], w.shape[3]
    acc = np.zeros(output_shape, np.float32)
    for ky, kx, (iy, ix), (oy, ox) in transposed_taps(x, window(attrs, w.shape[1:3], output_shape)):
        for g in range(attrs["groups"]):
            o = slice(g * outs, (g + 1) * outs)
            for c in range(ins):
                column = x[:, iy, ix, g * ins + c, None]
                acc[:, oy, ox, o] += column * w[o, ky, kx, c]
    return clamp_f32(acc + bias, attrs["lo"], attrs["hi"])
