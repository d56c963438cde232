"""Signs of int8: x s8 [..., C], thresholds s16 [C], and perhaps b1 [C], -1 where a channel is turned round; y b1 of the shape of x."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs, wide
from edgeq_runtime.ops._signs import signs


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    y = signs(wide(inputs[0], 0) < inputs[1])
    return np.asarray(y * inputs[2], np.int8) if len(inputs) > 2 else y
