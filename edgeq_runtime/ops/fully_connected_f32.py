"""float32 product of rows with weights: x f32 [..., K], w f32 [O,K], bias f32 [O]; y f32 [..., O]."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs, clamp_f32
from edgeq_runtime.ops._dot import dot16


@np.errstate(all="ignore")
def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x, w, bias = inputs
    y = dot16(x.reshape(-1, w.shape[1]), w) + bias
    return clamp_f32(y, attrs["lo"], attrs["hi"]).reshape(output_shape)
