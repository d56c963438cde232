"""Product of two int16 tensors: a, b s16, broadcast; y s16."""

from __future__ import annotations

from edgeq_runtime.ops._common import Array, Attrs, finish_s16, wide


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    return finish_s16(wide(inputs[0], 0) * wide(inputs[1], 0), attrs["m"], attrs["n"], attrs)
