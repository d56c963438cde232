"""x < t ? minus : plus, the other way round where turn < 0: x f32, t and perhaps turn f32, of one shape, broadcast to x; y f32."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    below = inputs[0] < inputs[1]
    if len(inputs) > 2:
        below ^= inputs[2] < 0
    return np.where(below, np.float32(attrs["minus"]), np.float32(attrs["plus"]))
