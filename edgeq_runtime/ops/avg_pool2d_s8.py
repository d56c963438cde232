"""int8 average over windows: x s8 [N,H,W,C], optionally u8 [5 A] (m int32[A], n int8[A] by the count less 1); y s8 [N,OH,OW,C]."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs, clamp_s8, finish_s8, wide
from edgeq_runtime.ops._window import count_valid, taps, window


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x = wide(inputs[0], attrs["x_zero"])
    kernel = (attrs["kernel_h"], attrs["kernel_w"])
    win = window(attrs, kernel, output_shape)
    acc = np.sum([tap for _, _, tap in taps(x, win, 0)], axis=0)
    area = kernel[0] * kernel[1]
    count = np.full((1, 1, 1, 1), area) if attrs["include_pad"] else np.maximum(count_valid(x, win), 1)
    if len(inputs) == 1:
        return clamp_s8(attrs["y_zero"] + (2 * acc + count) // (2 * count), attrs["lo"], attrs["hi"])
    m, n = np.frombuffer(inputs[1].tobytes(), "<i4", area), np.frombuffer(inputs[1].tobytes(), np.int8, area, 4 * area)
    return finish_s8(acc, m[count - 1], n[count - 1], attrs)
