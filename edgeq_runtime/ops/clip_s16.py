"""int16 clamp: x s16; y s16 of the same shape."""

from __future__ import annotations

from edgeq_runtime.ops._common import Array, Attrs, clamp_s16


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    return clamp_s16(inputs[0], attrs["lo"], attrs["hi"])
