"""int8 bilinear resize: x s8 [N,H,W,C], rows s32 [OH], cols s32 [OW] (place << 12 | weight of 2048); y s8 [N,OH,OW,C]."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs


def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x = inputs[0].astype(np.int64)
    rows, cols = (r.astype(np.int64) for r in inputs[1:])
    y0, x0 = rows >> 12, cols >> 12
    y1, x1 = np.minimum(y0 + 1, x.shape[1] - 1), np.minimum(x0 + 1, x.shape[2] - 1)
    down, right = (rows & 4095)[:, None, None], (cols & 4095)[:, None]
    top = x[:, y0][:, :, x0] * (2048 - right) + x[:, y0][:, :, x1] * right
    bottom = x[:, y1][:, :, x0] * (2048 - right) + x[:, y1][:, :, x1] * right
    return np.asarray((top * (2048 - down) + bottom * down + (1 << 21)) >> 22, np.int8)
