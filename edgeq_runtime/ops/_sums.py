"""Sums of products of integers, int64: what the int8 and the int16 forms of an operator share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeq_runtime.ops._common import Array, Attrs
from edgeq_runtime.ops._weights import Weights
from edgeq_runtime.ops._window import count_valid, taps, transposed_taps, window

Int64 = NDArray[np.int64]


def conv2d(x: Int64, given: Weights, attrs: Attrs, output_shape: tuple[int, ...]) -> Int64:
    """x: less its zero point. w [O,KH,KW,C/groups]."""
    w, acc = given.w, np.broadcast_to(given.bias, output_shape).copy()
    outs, ins = w.shape[0] // attrs["groups"], w.shape[3]
    for ky, kx, tap in taps(x, window(attrs, w.shape[1:3], output_shape), 0):
        for g in range(attrs["groups"]):
            o, c = slice(g * outs, (g + 1) * outs), slice(g * ins, (g + 1) * ins)
            acc[..., o] += tap[..., c] @ w[o, ky, kx].T
    return acc


def depthwise_conv2d(x: Int64, given: Weights, attrs: Attrs, output_shape: tuple[int, ...]) -> Int64:
    """w [KH,KW,O], O = C mult."""
    w, acc = given.w, np.broadcast_to(given.bias, output_shape).copy()
    x = np.repeat(x, w.shape[2] // x.shape[3], axis=3)
    for ky, kx, tap in taps(x, window(attrs, w.shape, output_shape), 0):
        acc += tap * w[ky, kx]
    return acc


def transpose_conv2d(x: Int64, given: Weights, attrs: Attrs, output_shape: tuple[int, ...]) -> Int64:
    """w [O,KH,KW,C/groups]."""
    w, acc = given.w, np.broadcast_to(given.bias, output_shape).copy()
    outs, ins = w.shape[0] // attrs["groups"], w.shape[3]
    for ky, kx, (iy, ix), (oy, ox) in transposed_taps(x, window(attrs, w.shape[1:3], output_shape)):
        for g in range(attrs["groups"]):
            o, c = slice(g * outs, (g + 1) * outs), slice(g * ins, (g + 1) * ins)
            acc[:, oy, ox, o] += x[:, iy, ix, c] @ w[o, ky, kx].T
    return acc


def fully_connected(x: Int64, given: Weights, output_shape: tuple[int, ...]) -> Int64:
    """w [O,K]."""
    return np.asarray(x.reshape(-1, given.w.shape[1]) @ given.w.T + given.bias, np.int64).reshape(output_shape)


def pool(x: Int64, attrs: Attrs, output_shape: tuple[int, ...]) -> tuple[Int64, Int64]:
    """Sums over valid taps, and what an average of each divides by."""
    kernel = (attrs["kernel_h"], attrs["kernel_w"])
    win = window(attrs, kernel, output_shape)
    acc = np.sum([tap for _, _, tap in taps(x, win, 0)], axis=0)
    valid = np.maximum(count_valid(x, win), 1)
    return acc, np.full((1, 1, 1, 1), kernel[0] * kernel[1]) if attrs["include_pad"] else valid


def pairs_by_count(table: Array, area: int, count: Int64) -> tuple[Array, Array]:
    """m and n of an average, u8 [5 area] in the file: by the count of taps."""
    m, n = np.frombuffer(table.tobytes(), "<i4", area), np.frombuffer(table.tobytes(), np.int8, area, 4 * area)
    return m[count - 1], n[count - 1]
