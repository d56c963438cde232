"""Another element type: x of any type; y f32, s32, s8 or u8. Integers saturate, floats are cut toward zero, NaN becomes 0."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import DTYPES, Array, Attrs


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...], dtype: str) -> Array:
    x = inputs[0]
    if dtype == "f32":
        return x.astype(np.float32)
    whole = np.trunc(np.nan_to_num(x.astype(np.float64), nan=0.0, posinf=2.0**40, neginf=-(2.0**40)))
    limits = np.iinfo(DTYPES[dtype])
    return np.clip(whole, limits.min, limits.max).astype(DTYPES[dtype])
