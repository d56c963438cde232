"""Product of two int8 tensors: a, b s8, broadcast; y s8."""

from __future__ import annotations

from edgeq_runtime.ops._common import Array, Attrs, finish_s8, wide


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    product = wide(inputs[0], attrs["a_zero"]) * wide(inputs[1], attrs["b_zero"])
    return finish_s8(product, attrs["m"], attrs["n"], attrs)
