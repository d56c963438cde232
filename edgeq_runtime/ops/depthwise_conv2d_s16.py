"""int16 convolution of each channel alone: x s16 [N,H,W,C], w s8 [KH,KW,O], O = C mult, channel blob u8 [9 O]; y s16 [N,OH,OW,O]."""

from __future__ import annotations

from edgeq_runtime.ops._common import Array, Attrs, finish_s16, wide
from edgeq_runtime.ops._sums import depthwise_conv2d
from edgeq_runtime.ops._weights import weights


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x, given = wide(inputs[0], 0), weights(attrs, inputs)
    return finish_s16(depthwise_conv2d(x, given, attrs, output_shape), given.m, given.n, attrs)
