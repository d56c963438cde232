"""Tensors of one type one after the other along an axis."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    return np.concatenate(inputs, axis=attrs["axis"])
