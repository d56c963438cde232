"""To the integers low .. high of a quantization and back: x f32; y f32."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs
from edgeq_runtime.rounding import dequantize, quantize


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    q = np.clip(quantize(inputs[0], attrs["scale"], attrs["zero"]), attrs["low"], attrs["high"])
    return dequantize(q, attrs["scale"], attrs["zero"])
