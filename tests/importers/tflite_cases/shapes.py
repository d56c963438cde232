"""Operators that move elements: reshape, slice, pad, resize and their like."""

from __future__ import annotations

import numpy as np

from tests.importers.tflite_cases.base import CASES, case, f32, i32
from tests.importers.tflite_writer import Net


@case
def reshape_from_shape_arithmetic(n: Net) -> list[int]:
    """[N, H, W, C] to [N, H * W, C] by SHAPE, STRIDED_SLICE, MUL and PACK, as converters write it."""
    x = n.input((2, 3, 4, 5))
    shape = n.op("SHAPE", [x], [n.tensor((4,), "INT32")], "ShapeOptions", outType=2)

    def dim(i: int) -> int:
        inputs = [shape, n.const(i32(i)), n.const(i32(i + 1)), n.const(i32(1))]
        return n.op("STRIDED_SLICE", inputs, [n.tensor((), "INT32")], "StridedSliceOptions", shrinkAxisMask=1)

    area = n.op("MUL", [dim(1), dim(2)], [n.tensor((), "INT32")], "MulOptions")
    wanted = n.op("PACK", [dim(0), area, n.const(np.asarray(-1, np.int32))], [n.tensor((3,), "INT32")], "PackOptions", valuesCount=3)
    return [n.op("RESHAPE", [x, wanted], [n.tensor((2, 12, 5))], "ReshapeOptions")]


@case
def squeeze_and_expand(n: Net) -> list[int]:
    squeezed = n.op("SQUEEZE", [n.input((1, 3, 1, 5))], [n.tensor((3, 5))], "SqueezeOptions", squeezeDims=[0, 2])
    return [n.op("EXPAND_DIMS", [squeezed, n.const(i32(-1))], [n.tensor((3, 5, 1))], "ExpandDimsOptions")]


@case
def rank_shifts_a_sum(n: Net) -> list[int]:
    x = n.input((2, 3))
    rank = n.op("RANK", [x], [n.tensor((), "INT32")], "RankOptions")
    real = n.op("CAST", [rank], [n.tensor(())], "CastOptions", inDataType=2, outDataType=0)
    return [n.op("ADD", [x, real], [n.tensor((2, 3))], "AddOptions")]


@case
def pack_and_unpack(n: Net) -> list[int]:
    parts = [n.tensor((2, 4)) for _ in range(3)]
    n.op("UNPACK", [n.input((2, 3, 4))], parts, "UnpackOptions", num=3, axis=1)
    return [n.op("PACK", [parts[2], parts[0]], [n.tensor((2, 4, 2))], "PackOptions", valuesCount=2, axis=2)]


@case
def pack_of_70(n: Net) -> list[int]:
    x = n.input((4,))
    return [n.op("PACK", [x] * 70, [n.tensor((70, 4))], "PackOptions", valuesCount=70, axis=0)]


@case
def transpose(n: Net) -> list[int]:
    return [n.op("TRANSPOSE", [n.input((2, 3, 4, 5)), n.const(i32(3, 1, 0, 2))], [n.tensor((5, 3, 2, 4))], "TransposeOptions")]


@case
def concatenation(n: Net) -> list[int]:
    inputs = [n.input((2, 3, 4)), n.const(f32(2, 2, 4)), n.input((2, 1, 4))]
    return [n.op("CONCATENATION", inputs, [n.tensor((2, 6, 4))], "ConcatenationOptions", axis=-2)]


@case
def split(n: Net) -> list[int]:
    parts = [n.tensor((2, 2, 4)) for _ in range(3)]
    n.op("SPLIT", [n.const(np.asarray(1, np.int32)), n.input((2, 6, 4))], parts, "SplitOptions", numSplits=3)
    return parts[::-1]


@case
def split_v(n: Net) -> list[int]:
    parts = [n.tensor((2, k, 4)) for k in (1, 3, 2)]
    n.op("SPLIT_V", [n.input((2, 6, 4)), n.const(i32(1, -1, 2)), n.const(np.asarray(1, np.int32))], parts, "SplitVOptions", numSplits=3)
    return parts


@case
def slice_to_the_end(n: Net) -> list[int]:
    return [n.op("SLICE", [n.input((2, 6, 4)), n.const(i32(0, 2, 1)), n.const(i32(1, -1, 2))], [n.tensor((1, 4, 2))], "SliceOptions")]


def strided(n: Net, shape: tuple[int, ...], spec: tuple[list[int], ...], out: tuple[int, ...], **masks: int) -> list[int]:
    return [n.op("STRIDED_SLICE", [n.input(shape), *(n.const(i32(*s)) for s in spec)], [n.tensor(out)], "StridedSliceOptions", **masks)]


@case
def strided_slice_backwards(n: Net) -> list[int]:
    return strided(n, (2, 6, 4), ([0, -1, 3], [2, 0, -9], [1, -2, -1]), (2, 3, 4))


@case
def strided_slice_masks(n: Net) -> list[int]:
    return strided(n, (2, 6, 4), ([1, 2, 1], [2, 99, 0], [1, 3, 1]), (2, 3), beginMask=2, endMask=4, shrinkAxisMask=1)


@case
def strided_slice_ellipsis_and_new_axis(n: Net) -> list[int]:
    return strided(n, (2, 3, 4, 5), ([1, 0, 0, 2], [2, 0, 0, 5], [1, 1, 1, 1]), (1, 3, 4, 1, 3), ellipsisMask=2, newAxisMask=4)


@case
def strided_slice_with_offsets(n: Net) -> list[int]:
    return strided(n, (6, 4), ([2, 1], [3, 2], [1, 1]), (3, 2), offset=True)


@case
def pad(n: Net) -> list[int]:
    margins = n.const(np.asarray([[0, 0], [1, 2], [0, 3], [0, 0]], np.int32))
    return [n.op("PAD", [n.input((2, 3, 4, 5)), margins], [n.tensor((2, 6, 7, 5))], "PadOptions")]


@case
def padv2(n: Net) -> list[int]:
    margins = n.const(np.asarray([[0, 0], [1, 2], [0, 3]], np.int64))
    return [n.op("PADV2", [n.input((2, 3, 4)), margins, n.const(np.float32([-1.5]))], [n.tensor((2, 6, 7))], "PadV2Options")]


@case
def mirror_pad_reflect(n: Net) -> list[int]:
    margins = n.const(np.asarray([[0, 0], [1, 2], [0, 3]], np.int32))
    return [n.op("MIRROR_PAD", [n.input((2, 3, 4)), margins], [n.tensor((2, 6, 7))], "MirrorPadOptions", mode=0)]


@case
def mirror_pad_symmetric(n: Net) -> list[int]:
    margins = n.const(np.asarray([[2, 0], [1, 3], [0, 4]], np.int32))
    return [n.op("MIRROR_PAD", [n.input((2, 3, 4)), margins], [n.tensor((4, 7, 8))], "MirrorPadOptions", mode=1)]


def _resize(code: str, options: str, size: tuple[int, int], align: bool, half: bool) -> None:
    def build(n: Net) -> list[int]:
        x = n.input((2, 5, 7, 3))
        return [n.op(code, [x, n.const(i32(*size))], [n.tensor((2, *size, 3))], options, alignCorners=align, halfPixelCenters=half)]

    CASES[f"{code.lower()}_{size[0]}x{size[1]}_{'align' if align else 'half' if half else 'plain'}"] = build


for _code, _options in (("RESIZE_BILINEAR", "ResizeBilinearOptions"), ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions")):
    for _size in ((10, 21), (3, 4), (1, 7)):
        for _align, _half in ((False, False), (True, False), (False, True)):
            _resize(_code, _options, _size, _align, _half)
