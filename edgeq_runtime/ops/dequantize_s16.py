"""int16 to float32: x s16; y f32."""

from __future__ import annotations

from edgeq_runtime.ops._common import Array, Attrs
from edgeq_runtime.rounding import dequantize


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    return dequantize(inputs[0], attrs["scale"], 0)
