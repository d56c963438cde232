"""Sum of two int16 tensors of any scales: a, b s16, broadcast; y s16. b_mul < 0 subtracts."""

from __future__ import annotations

from edgeq_runtime.ops._common import Array, Attrs, clamp_s16, wide


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    total = attrs["a_mul"] * wide(inputs[0], 0) + attrs["b_mul"] * wide(inputs[1], 0)
    return clamp_s16((total + (1 << (attrs["shift"] - 1))) >> attrs["shift"], attrs["lo"], attrs["hi"])
