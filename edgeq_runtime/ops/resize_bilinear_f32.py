"""float32 bilinear resize: x f32 [N,H,W,C], rows s32 [OH], weights f32 [OH], cols s32 [OW], weights f32 [OW]; y f32 [N,OH,OW,C]."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs


@np.errstate(all="ignore")
def run(attrs: Attrs, inputs: list[Array], output_shape: tuple[int, ...]) -> Array:
    x, y0, down, x0, right = inputs
    y1, x1 = np.minimum(y0 + 1, x.shape[1] - 1), np.minimum(x0 + 1, x.shape[2] - 1)
    upper, lower = x[:, y0], x[:, y1]
    top = upper[:, :, x0] + (upper[:, :, x1] - upper[:, :, x0]) * right[:, None]
    bottom = lower[:, :, x0] + (lower[:, :, x1] - lower[:, :, x0]) * right[:, None]
    return np.asarray(top + (bottom - top) * down[:, None, None], np.float32)
