"""float32 reduction over axes: x f32; y f32, the reduced axes kept as 1 or dropped."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs, sum_f32
from edgeq_runtime.ops._reduce import gather, largest

SUM, MEAN, MAX, MIN, PRODUCT, SUM_OF_SQUARES, SUM_OF_ABSOLUTES, ROOT_OF_SQUARES = range(8)


@np.errstate(all="ignore")
def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    v = gather(inputs[0], attrs["axes"])
    return np.asarray(_reduce(attrs["kind"], v), np.float32).reshape(output_shape)


def _reduce(kind: int, v: Array) -> Array:
    if kind in (MAX, MIN):
        return largest(v) if kind == MAX else -largest(-v)
    if kind == PRODUCT:
        return np.asarray(np.multiply.accumulate(v, axis=-1, dtype=np.float32)[..., -1])
    terms = {SUM_OF_SQUARES: np.square, ROOT_OF_SQUARES: np.square, SUM_OF_ABSOLUTES: np.abs}
    total = sum_f32(terms[kind](v) if kind in terms else v, axis=-1)
    if kind == MEAN:
        return np.asarray(total / np.float32(v.shape[-1]))
    return np.sqrt(total) if kind == ROOT_OF_SQUARES else total
