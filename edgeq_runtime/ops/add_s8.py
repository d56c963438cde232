"""Sum of two int8 tensors of any scales: a, b s8, broadcast; y s8. b_mul < 0 subtracts."""

from __future__ import annotations

from edgeq_runtime.ops._common import Array, Attrs, clamp_s8, wide


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    shift = attrs["shift"]
    total = attrs["a_mul"] * wide(inputs[0], attrs["a_zero"]) + attrs["b_mul"] * wide(inputs[1], attrs["b_zero"])
    return clamp_s8(attrs["y_zero"] + ((total + (1 << (shift - 1))) >> shift), attrs["lo"], attrs["hi"])
