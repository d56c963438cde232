"""Chosen rows and columns: x [N,H,W,C] of any type, rows s32 [OH], cols s32 [OW]; y [N,OH,OW,C]."""

from __future__ import annotations

from edgeq_runtime.ops._common import Array, Attrs


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x, rows, cols = inputs
    return x[:, rows][:, :, cols]
