"""Sum, mean, maximum or minimum of an int16 tensor over axes: x s16; y s16, the reduced axes kept as 1 or dropped."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs, clamp_s16, finish_s16, wide
from edgeq_runtime.ops._reduce import axes_of

SUM, MEAN, MAX, MIN = range(4)


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x, axes = inputs[0], axes_of(attrs["axes"], inputs[0].ndim)
    if attrs["kind"] in (SUM, MEAN):
        return finish_s16(np.sum(wide(x, 0), axis=axes), attrs["m"], attrs["n"], attrs).reshape(output_shape)
    pick = {MAX: np.max, MIN: np.min}[attrs["kind"]]
    return clamp_s16(pick(x, axis=axes)).reshape(output_shape)
