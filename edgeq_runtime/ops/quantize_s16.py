"""float32 to int16: x f32; y s16."""

from __future__ import annotations

from edgeq_runtime.ops._common import Array, Attrs
from edgeq_runtime.rounding import quantize_s16


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    return quantize_s16(inputs[0], attrs["scale"])
