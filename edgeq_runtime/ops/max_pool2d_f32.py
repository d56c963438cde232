"""float32 maximum over windows, v > best ? v : best from -infinity: x f32 [N,H,W,C]; y f32 [N,OH,OW,C]."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs, clamp_f32
from edgeq_runtime.ops._window import taps, window


@np.errstate(all="ignore")
def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    best = np.full(output_shape, -np.inf, np.float32)
    for _, _, tap in taps(inputs[0], window(attrs, (attrs["kernel_h"], attrs["kernel_w"]), output_shape), -np.inf):
        best = np.where(tap > best, tap, best)
    return clamp_f32(best, attrs["lo"], attrs["hi"])
