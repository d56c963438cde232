"""Product of signs: x b1 [..., K], w b1 [O,K], thresholds s32 [O] or channel blob u8 [9 O]; y b1 or s8 [..., O]."""

from __future__ import annotations

from edgeq_runtime.ops._common import Array, Attrs, wide
from edgeq_runtime.ops._signs import finish


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    acc = wide(inputs[0], 0) @ wide(inputs[1], 0).T
    return finish(acc, inputs[2], attrs).reshape(output_shape)
