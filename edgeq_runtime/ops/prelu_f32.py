"""x < 0 ? x alpha : x: x f32, alpha f32 broadcast to x; y f32."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs


@np.errstate(all="ignore")
def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x, alpha = inputs
    return np.where(x < 0, x * alpha, x)
