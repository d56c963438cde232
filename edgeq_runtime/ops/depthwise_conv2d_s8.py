"""int8 convolution of each channel alone: x s8 [N,H,W,C], w s8 [KH,KW,O], O = C mult, channel blob u8 [9 O]; y s8 [N,OH,OW,O]."""

from __future__ import annotations

from edgeq_runtime.ops._common import Array, Attrs, finish_s8, wide
from edgeq_runtime.ops._sums import depthwise_conv2d
from edgeq_runtime.ops._weights import weights


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x, given = wide(inputs[0], attrs["x_zero"]), weights(attrs, inputs)
    return finish_s8(depthwise_conv2d(x, given, attrs, output_shape), given.m, given.n, attrs)
