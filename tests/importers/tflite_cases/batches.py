"""Casts and stored types, and space-to-batch around convolutions."""

from __future__ import annotations

import numpy as np

from tests.importers.tflite_cases.base import case, f32, i32, rng
from tests.importers.tflite_writer import Net


@case
def broadcast_to(n: Net) -> list[int]:
    return [n.op("BROADCAST_TO", [n.input((3, 1, 5)), n.const(i32(2, 3, 4, 5))], [n.tensor((2, 3, 4, 5))], "BroadcastToOptions")]


@case
def cast_truncates(n: Net) -> list[int]:
    whole = n.op("CAST", [n.input((3, 5))], [n.tensor((3, 5), "INT32")], "CastOptions", inDataType=0, outDataType=2)
    return [n.op("CAST", [whole], [n.tensor((3, 5))], "CastOptions", inDataType=2, outDataType=0)]


@case
def float16_weights(n: Net) -> list[int]:
    w = n.op("DEQUANTIZE", [n.const(f32(5, 4).astype(np.float16))], [n.tensor((5, 4))], "DequantizeOptions")
    return [n.op("FULLY_CONNECTED", [n.input((3, 4)), w, -1], [n.tensor((3, 5))], "FullyConnectedOptions")]


@case
def int8_weights_dequantized(n: Net) -> list[int]:
    q = rng.integers(-127, 128, (5, 4), np.int8)
    w = n.op("DEQUANTIZE", [n.const(q, scale=np.linspace(0.01, 0.02, 5))], [n.tensor((5, 4))], "DequantizeOptions")
    return [n.op("FULLY_CONNECTED", [n.input((3, 4)), w, -1], [n.tensor((3, 5))], "FullyConnectedOptions")]


Pairs = list[list[int]]


def batched(n: Net, code: str, block: tuple[int, int], margins: Pairs, crops: Pairs, padding: int, stride: int) -> list[int]:
    """Space to batch, a 3x3 convolution, batch to space; shapes are left to the interpreter."""
    x = n.input((1, 12, 10, 4))
    channels, w = (5, (5, 3, 3, 4)) if code == "CONV_2D" else (4, (1, 3, 3, 4))
    inputs = [x, n.const(i32(*block)), n.const(np.asarray(margins, np.int32))]
    parts = n.op("SPACE_TO_BATCH_ND", inputs, [n.tensor((1, 1, 1, 4))], "SpaceToBatchNDOptions")
    fields = {"padding": padding, "strideH": stride, "strideW": stride} | ({} if code == "CONV_2D" else {"depthMultiplier": 1})
    options = "Conv2DOptions" if code == "CONV_2D" else "DepthwiseConv2DOptions"
    y = n.op(code, [parts, n.const(f32(*w)), n.const(f32(channels))], [n.tensor((1, 1, 1, channels))], options, **fields)
    out = n.tensor((1, 1, 1, channels))
    return [n.op("BATCH_TO_SPACE_ND", [y, n.const(i32(*block)), n.const(np.asarray(crops, np.int32))], [out], "BatchToSpaceNDOptions")]


@case
def dilated_by_batches(n: Net) -> list[int]:
    return batched(n, "CONV_2D", (2, 3), [[2, 2], [3, 5]], [[0, 0], [0, 2]], 1, 1)


@case
def dilated_by_batches_depthwise_same(n: Net) -> list[int]:
    return batched(n, "DEPTHWISE_CONV_2D", (2, 2), [[0, 0], [0, 0]], [[0, 0], [0, 0]], 0, 1)


@case
def batches_with_a_strided_convolution(n: Net) -> list[int]:
    return batched(n, "CONV_2D", (2, 2), [[2, 2], [1, 1]], [[1, 0], [0, 0]], 1, 2)


@case
def space_to_batch_in_one_axis(n: Net) -> list[int]:
    x = n.input((2, 5, 3))
    inputs = [x, n.const(i32(3)), n.const(i32(1, 0).reshape(1, 2))]
    parts = n.op("SPACE_TO_BATCH_ND", inputs, [n.tensor((6, 2, 3))], "SpaceToBatchNDOptions")
    double = n.op("ADD", [parts, parts], [n.tensor((6, 2, 3))], "AddOptions")
    inputs = [double, n.const(i32(3)), n.const(i32(0, 1).reshape(1, 2))]
    return [n.op("BATCH_TO_SPACE_ND", inputs, [n.tensor((2, 5, 3))], "BatchToSpaceNDOptions")]
