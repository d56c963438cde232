"""float32 to int8: x f32; y s8."""

from __future__ import annotations

from edgeq_runtime.ops._common import Array, Attrs
from edgeq_runtime.rounding import quantize


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    return quantize(inputs[0], attrs["scale"], attrs["zero"])
