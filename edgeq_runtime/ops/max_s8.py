"""The larger of two int8 tensors of one quantization: a, b s8, broadcast; y s8."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs, clamp_s8


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    return clamp_s8(np.maximum(inputs[0], inputs[1]), attrs["lo"], attrs["hi"])
