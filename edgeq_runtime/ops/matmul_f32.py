"""float32 matrix product: a f32 [B..,M,K], b f32 [B..,K,N], batches broadcast; y f32 [B..,M,N]."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs, clamp_f32
from edgeq_runtime.ops._dot import dot16


@np.errstate(all="ignore")
def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    a, b = inputs
    batch = output_shape[:-2]
    a = np.broadcast_to(a, (*batch, *a.shape[-2:])).reshape(-1, *a.shape[-2:])
    b = np.broadcast_to(b, (*batch, *b.shape[-2:])).reshape(-1, *b.shape[-2:])
    y = np.stack([dot16(left, right.T) for left, right in zip(a, b, strict=True)])
    return clamp_f32(y, attrs["lo"], attrs["hi"]).reshape(output_shape)
