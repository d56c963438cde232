"""Windows over [N, H, W, C] images: which element each tap of each output position reads (SPEC.md 2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edgeq_runtime.ops._common import Array, Attrs


@dataclass(frozen=True)
class Window:
    """Pairs are (height, width). pad: rows above and columns to the left; what lies below and to the right follows from out."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pad: tuple[int, int]
    out: tuple[int, int]


def window(attrs: Attrs, kernel: tuple[int, ...], output_shape: tuple[int, ...]) -> Window:
    def pair(h: str, w: str) -> tuple[int, int]:
        return attrs[h], attrs[w]

    strides, dilations = pair("stride_h", "stride_w"), pair("dilation_h", "dilation_w")
    return Window((kernel[0], kernel[1]), strides, dilations, pair("pad_top", "pad_left"), (output_shape[1], output_shape[2]))


def taps(x: Array, win: Window, fill: float) -> Iterator[tuple[int, int, Array]]:
    """(ky, kx, what that tap reads [N, OH, OW, C]) in the order (ky, kx); `fill` where the tap is padded."""
    reach = [(o - 1) * s + 1 for o, s in zip(win.out, win.stride, strict=True)]
    need = [r + (k - 1) * d for r, k, d in zip(reach, win.kernel, win.dilation, strict=True)]
    after = [max(0, n - p - size) for n, p, size in zip(need, win.pad, x.shape[1:3], strict=True)]
    padded = np.pad(x, ((0, 0), (win.pad[0], after[0]), (win.pad[1], after[1]), (0, 0)), constant_values=fill)
    for ky in range(win.kernel[0]):
        for kx in range(win.kernel[1]):
            top, left = ky * win.dilation[0], kx * win.dilation[1]
            yield ky, kx, padded[:, top : top + reach[0] : win.stride[0], left : left + reach[1] : win.stride[1]]


def valid_taps(x: Array, win: Window) -> Iterator[Array]:
    """Whether the tap lies inside the input, [1, OH, OW, 1] of bool, in the order of taps()."""
    inside = np.ones((1, *x.shape[1:3], 1), np.bool_)
    return (mask for _, _, mask in taps(inside, win, False))


def count_valid(x: Array, win: Window) -> Array:
    """How many taps of each window lie inside the input, [1, OH, OW, 1] of int64."""
    return np.asarray(np.sum([mask.astype(np.int64) for mask in valid_taps(x, win)], axis=0))


def transposed(size: int, out: int, stride: int, start: int) -> tuple[slice, slice]:
    """Input and output places of one axis that one tap of a transposed window joins: out = in * stride + start, both in range."""
    first = max(0, -(start // stride))
    last = min(size, (out - 1 - start) // stride + 1)
    if last <= first:
        return slice(0, 0), slice(0, 0)
    begin = first * stride + start
    return slice(first, last), slice(begin, begin + (last - first - 1) * stride + 1, stride)


def transposed_taps(x: Array, win: Window) -> Iterator[tuple[int, int, tuple[slice, slice], tuple[slice, slice]]]:
    """(ky, kx, input rows and columns, output rows and columns) that each tap joins."""
    for ky in range(win.kernel[0]):
        rows = transposed(x.shape[1], win.out[0], win.stride[0], ky * win.dilation[0] - win.pad[0])
        for kx in range(win.kernel[1]):
            cols = transposed(x.shape[2], win.out[1], win.stride[1], kx * win.dilation[1] - win.pad[1])
            yield ky, kx, (rows[0], cols[0]), (rows[1], cols[1])
