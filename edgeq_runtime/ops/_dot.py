"""float32 dot products in the order of SPEC.md 1.3."""

from __future__ import annotations

import numpy as np

from edgeq_runtime.ops._common import Array

PARTIALS = 16
_CHUNK = 1 << 22  # float32 values of partial sums that one step holds


def dot16(rows: Array, columns: Array) -> Array:
    """[R, K] and [O, K] to [R, O]: element k goes to partial sum k mod 16; then halves are added. All float32.

    K is filled up with zeros to a multiple of 16: a partial sum that began at +0 is never -0, so adding +0 changes nothing.
    """
    steps = -(-rows.shape[1] // PARTIALS)
    extra = ((0, 0), (0, steps * PARTIALS - rows.shape[1]))
    a = np.pad(rows.astype(np.float32), extra).reshape(rows.shape[0], steps, 1, PARTIALS)
    b = np.pad(columns.astype(np.float32), extra).reshape(1, columns.shape[0], steps, PARTIALS)
    out = np.empty((rows.shape[0], columns.shape[0]), np.float32)
    chunk = max(1, _CHUNK // (PARTIALS * max(1, columns.shape[0])))
    for first in range(0, rows.shape[0], chunk):
        part = a[first : first + chunk]
        p = np.zeros((part.shape[0], columns.shape[0], PARTIALS), np.float32)
        for step in range(steps):
            p += part[:, step] * b[:, :, step]
        out[first : first + chunk] = _fold(p)
    return out


def _fold(p: Array) -> Array:
    width = PARTIALS
    while width > 1:
        width //= 2
        p = p[..., :width] + p[..., width:]
    return p[..., 0]
