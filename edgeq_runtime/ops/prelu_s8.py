"""int8 slope for negative values: x s8, alpha s8 broadcast to x; y s8."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs, clamp_s8, wide
from edgeq_runtime.rounding import requantize


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    d = wide(inputs[0], attrs["x_zero"])
    above = requantize(d, attrs["m_pos"], attrs["n_pos"])
    below = requantize(d * inputs[1], attrs["m_neg"], attrs["n_neg"])
    return clamp_s8(attrs["y_zero"] + np.where(d >= 0, above, below))
