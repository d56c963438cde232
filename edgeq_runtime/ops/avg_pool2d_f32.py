"""float32 average over windows: x f32 [N,H,W,C]; y f32 [N,OH,OW,C]."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs, clamp_f32
from edgeq_runtime.ops._window import count_valid, taps, window


@np.errstate(all="ignore")
def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    kernel = (attrs["kernel_h"], attrs["kernel_w"])
    win = window(attrs, kernel, output_shape)
    acc = np.zeros(output_shape, np.float32)
    for _, _, tap in taps(inputs[0], win, 0.0):
        acc = acc + tap
    count = np.float32(kernel[0] * kernel[1]) if attrs["include_pad"] else np.maximum(count_valid(inputs[0], win), 1).astype(np.float32)
    return clamp_f32(acc / count, attrs["lo"], attrs["hi"])
