"""float32 convolution: x f32 [N,H,W,C], w f32 [O,KH,KW,C/groups], bias f32 [O]; y f32 [N,OH,OW,O]."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs, clamp_f32
from edgeq_runtime.ops._dot import dot16
from edgeq_runtime.ops._window import taps, window


@np.errstate(all="ignore")
def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x, w, bias = inputs
    outs, ins = w.shape[0] // attrs["groups"], w.shape[3]
    reads = [tap for _, _, tap in taps(x, window(attrs, w.shape[1:3], output_shape), 0.0)]
    y = np.empty(output_shape, np.float32)
    for g in range(attrs["groups"]):
        o = slice(g * outs, (g + 1) * outs)
        rows = np.concatenate([tap[..., g * ins : (g + 1) * ins] for tap in reads], axis=-1)
        y[..., o] = dot16(rows.reshape(-1, rows.shape[-1]), w[o].reshape(outs, -1)).reshape(*output_shape[:3], outs)
    return clamp_f32(y + bias, attrs["lo"], attrs["hi"])
