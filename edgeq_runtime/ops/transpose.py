"""Axes in another order, y dims[i] = x dims[perm[i]]: x of any type."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    return np.transpose(inputs[0], attrs["perm"][: inputs[0].ndim])
