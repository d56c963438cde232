"""int8 to int16, int16 to int8, or int16 to another scale: x s8 or s16; y s16 or s8, as `run`'s caller says."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import DTYPES, Array, Attrs, wide
from edgeq_runtime.rounding import requantize_wide


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...], dtype: str) -> Array:
    acc = wide(inputs[0], attrs["x_zero"])
    y = attrs["y_zero"] + requantize_wide(acc, attrs["m"], attrs["n"])
    return np.asarray(np.clip(y, attrs["lo"], attrs["hi"]), DTYPES[dtype])
