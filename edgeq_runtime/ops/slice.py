"""Every step-th element from begin on, as many as the output has: x of any type. step may be negative."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    places = [b + s * np.arange(size) for b, s, size in zip(attrs["begin"], attrs["step"], output_shape, strict=False)]
    return inputs[0][np.ix_(*places)]
