"""Smaller (a < b ? a : b) of two float32 tensors, clamped: a, b f32, broadcast; y f32."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs, clamp_f32


@np.errstate(all="ignore")
def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    a, b = inputs
    return clamp_f32(np.where(a < b, a, b), attrs["lo"], attrs["hi"])
