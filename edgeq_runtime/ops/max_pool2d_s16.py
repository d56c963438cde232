"""int16 maximum over windows: x s16 [N,H,W,C]; y s16 [N,OH,OW,C]."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs, clamp_s16
from edgeq_runtime.ops._window import taps, window


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    win = window(attrs, (attrs["kernel_h"], attrs["kernel_w"]), output_shape)
    return clamp_s16(np.max([tap for _, _, tap in taps(inputs[0], win, -32768)], axis=0), attrs["lo"], attrs["hi"])
