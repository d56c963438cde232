"""int8 clamp: x s8; y s8 of the same shape."""

from __future__ import annotations

from edgeq_runtime.ops._common import Array, Attrs, clamp_s8


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    return clamp_s8(inputs[0], attrs["lo"], attrs["hi"])
