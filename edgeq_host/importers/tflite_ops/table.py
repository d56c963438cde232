"""The operators of TFLite that edgeq takes: one row each."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from edgeq_host.importers.tflite_ops import activation, batch_space, dense, elementwise, reduction, resize, shape, slicing, window
from edgeq_host.importers.tflite_ops.context import Run


class Rule(NamedTuple):
    """`options`: the table of the schema that the operator carries; `fields` of it are read, one ending in [] as a vector."""

    run: Run
    options: str = ""
    fields: tuple[str, ...] = ()


FUSED = activation.FUSED
CONV = ("Padding", "StrideH", "StrideW", "DilationHFactor", "DilationWFactor", FUSED)
POOL = Rule(window.pool("avg_pool2d_f32"), "Pool2DOptions", ("Padding", "StrideH", "StrideW", "FilterHeight", "FilterWidth", FUSED))
RESIZE = ("AlignCorners", "HalfPixelCenters")
MASKS = ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask", "Offset")


def _reduce(kind: int) -> Rule:
    return Rule(reduction.reduce(kind), "ReducerOptions", ("KeepDims",))


RULES: dict[str, Rule] = {
    "ADD": Rule(elementwise.binary("add_f32", np.add), "AddOptions", (FUSED,)),
    "AVERAGE_POOL_2D": POOL,
    "BATCH_MATMUL": Rule(dense.batch_matmul, "BatchMatMulOptions", ("AdjX", "AdjY")),
    "BATCH_TO_SPACE_ND": Rule(batch_space.batch_to_space),
    "BROADCAST_TO": Rule(shape.broadcast_to),
    "CAST": Rule(elementwise.cast),
    "CONCATENATION": Rule(shape.concatenation, "ConcatenationOptions", ("Axis", FUSED)),
    "CONV_2D": Rule(window.conv2d, "Conv2DOptions", CONV),
    "DEPTHWISE_CONV_2D": Rule(window.depthwise_conv2d, "DepthwiseConv2DOptions", CONV),
    "DEQUANTIZE": Rule(elementwise.dequantize),
    "DIV": Rule(elementwise.binary("div_f32", elementwise.truncated_quotient), "DivOptions", (FUSED,)),
    "EXPAND_DIMS": Rule(shape.expand_dims),
    "FULLY_CONNECTED": Rule(dense.fully_connected, "FullyConnectedOptions", ("WeightsFormat", "KeepNumDims", FUSED)),
    "HARD_SWISH": Rule(activation.unary("hard_swish_f32")),
    "LEAKY_RELU": Rule(activation.leaky_relu, "LeakyReluOptions", ("Alpha",)),
    "LOGISTIC": Rule(activation.unary("sigmoid_f32")),
    "MAXIMUM": Rule(elementwise.binary("max_f32", np.maximum)),
    "MAX_POOL_2D": POOL._replace(run=window.pool("max_pool2d_f32")),
    "MEAN": _reduce(reduction.MEAN),
    "MINIMUM": Rule(elementwise.binary("min_f32", np.minimum)),
    "MIRROR_PAD": Rule(slicing.mirror_pad, "MirrorPadOptions", ("Mode",)),
    "MUL": Rule(elementwise.binary("mul_f32", np.multiply), "MulOptions", (FUSED,)),
    "PACK": Rule(shape.pack, "PackOptions", ("Axis",)),
    "PAD": Rule(slicing.pad),
    "PADV2": Rule(slicing.pad),
    "POW": Rule(elementwise.binary("pow_f32", elementwise.power)),
    "PRELU": Rule(activation.prelu),
    "QUANTIZE": Rule(elementwise.quantize),
    "RANK": Rule(shape.rank),
    "REDUCE_MAX": _reduce(reduction.MAX),
    "REDUCE_MIN": _reduce(reduction.MIN),
    "REDUCE_PROD": _reduce(reduction.PROD),
    "RELU": Rule(activation.clip(0.0, math.inf)),
    "RELU6": Rule(activation.clip(0.0, 6.0)),
    "RELU_0_TO_1": Rule(activation.clip(0.0, 1.0)),
    "RELU_N1_TO_1": Rule(activation.clip(-1.0, 1.0)),
    "RESHAPE": Rule(shape.reshape, "ReshapeOptions", ("NewShape[]",)),
    "RESIZE_BILINEAR": Rule(resize.bilinear, "ResizeBilinearOptions", RESIZE),
    "RESIZE_NEAREST_NEIGHBOR": Rule(resize.nearest, "ResizeNearestNeighborOptions", RESIZE),
    "SHAPE": Rule(shape.shape),
    "SLICE": Rule(slicing.slice_),
    "SOFTMAX": Rule(activation.softmax, "SoftmaxOptions", ("Beta",)),
    "SPACE_TO_BATCH_ND": Rule(batch_space.space_to_batch),
    "SPLIT": Rule(slicing.split),
    "SPLIT_V": Rule(slicing.split_v),
    "SQUEEZE": Rule(shape.squeeze, "SqueezeOptions", ("SqueezeDims[]",)),
    "STRIDED_SLICE": Rule(slicing.strided_slice, "StridedSliceOptions", MASKS),
    "SUB": Rule(elementwise.binary("sub_f32", np.subtract), "SubOptions", (FUSED,)),
    "SUM": _reduce(reduction.SUM),
    "TANH": Rule(activation.unary("tanh_f32")),
    "TRANSPOSE": Rule(shape.transpose),
    "TRANSPOSE_CONV": Rule(window.transpose_conv2d, "TransposeConvOptions", ("Padding", "StrideH", "StrideW", FUSED)),
    "UNPACK": Rule(shape.unpack, "UnpackOptions", ("Axis",)),
}


def options_of(code: str) -> tuple[str, tuple[str, ...]] | None:
    """What to read of an operator in the file."""
    rule = RULES.get(code)
    return (rule.options, rule.fields) if rule else None
