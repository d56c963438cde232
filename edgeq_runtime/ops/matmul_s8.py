"""int8 matrix product of two activations: a s8 [B..,M,K], b s8 [B..,K,N], batches broadcast; y s8 [B..,M,N]."""

from __future__ import annotations

from edgeq_runtime.ops._common import Array, Attrs, finish_s8, wide


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    acc = wide(inputs[0], attrs["a_zero"]) @ wide(inputs[1], attrs["b_zero"])
    return finish_s8(acc, attrs["m"], attrs["n"], attrs)
