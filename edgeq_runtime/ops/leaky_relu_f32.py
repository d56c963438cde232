"""x < 0 ? x alpha : x: x f32; y f32."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs


@np.errstate(all="ignore")
def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x = inputs[0]
    return np.where(x < 0, x * np.float32(attrs["alpha"]), x)
