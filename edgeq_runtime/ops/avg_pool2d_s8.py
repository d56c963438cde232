"""int8 average over windows: x s8 [N,H,W,C], optionally u8 [5 A] (m int32[A], n int8[A] by the count less 1); y s8 [N,OH,OW,C]."""

from __future__ import annotations

from edgeq_runtime.ops._common import Array, Attrs, clamp_s8, finish_s8, wide
from edgeq_runtime.ops._sums import pairs_by_count, pool


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    acc, count = pool(wide(inputs[0], attrs["x_zero"]), attrs, output_shape)
    if len(inputs) == 1:
        return clamp_s8(attrs["y_zero"] + (2 * acc + count) // (2 * count), attrs["lo"], attrs["hi"])
    return finish_s8(acc, *pairs_by_count(inputs[1], attrs["kernel_h"] * attrs["kernel_w"], count), attrs)
