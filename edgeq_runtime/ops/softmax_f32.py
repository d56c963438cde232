"""float32 softmax over the last axis: x f32; y f32."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.fmath import exp
from edgeq_runtime.ops._common import Array, Attrs, sum_f32
from edgeq_runtime.ops._reduce import largest


@np.errstate(all="ignore")
def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x = inputs[0]
    e = exp(x - largest(x)[..., None])
    return np.asarray(e / sum_f32(e, axis=-1)[..., None], np.float32)
