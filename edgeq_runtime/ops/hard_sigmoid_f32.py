"""clamp(x alpha + beta, 0, 1): x f32; y f32."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs, clamp_f32


@np.errstate(all="ignore")
def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    return clamp_f32(inputs[0] * np.float32(attrs["alpha"]) + np.float32(attrs["beta"]), 0.0, 1.0)
