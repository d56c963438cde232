"""float32 clamp: x f32; y f32."""

from __future__ import annotations

from edgeq_runtime.ops._common import Array, Attrs, clamp_f32


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    return clamp_f32(inputs[0], attrs["lo"], attrs["hi"])
