"""Signs as int8: x b1; y s8, plus where x is 1 and minus where it is -1."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    return np.asarray(np.where(inputs[0] < 0, np.int8(attrs["minus"]), np.int8(attrs["plus"])), np.int8)
