"""Operators that compute: convolutions, products, elementwise, pooling, reductions."""

from __future__ import annotations

import numpy as np

from tests.importers.tflite_cases.base import CASES, case, f32, i32
from tests.importers.tflite_writer import Net


def conv(n: Net, code: str, options: str, w: tuple[int, ...], out: tuple[int, ...], **fields: int) -> list[int]:
    x = n.input((1, 9, 8, 4))
    channels = w[0] if code == "CONV_2D" else w[3]
    return [n.op(code, [x, n.const(f32(*w)), n.const(f32(channels))], [n.tensor(out)], options, **fields)]


@case
def conv_same_stride_relu6(n: Net) -> list[int]:
    return conv(n, "CONV_2D", "Conv2DOptions", (6, 3, 2, 4), (1, 5, 4, 6), strideH=2, strideW=2, fusedActivationFunction=3)


@case
def conv_valid_dilated(n: Net) -> list[int]:
    return conv(n, "CONV_2D", "Conv2DOptions", (6, 3, 2, 4), (1, 3, 7, 6), padding=1, strideH=1, strideW=1, dilationHFactor=3)


@case
def conv_grouped(n: Net) -> list[int]:
    return conv(n, "CONV_2D", "Conv2DOptions", (6, 3, 3, 2), (1, 9, 8, 6), strideH=1, strideW=1)


@case
def conv_pointwise_relu_n1_to_1(n: Net) -> list[int]:
    return conv(n, "CONV_2D", "Conv2DOptions", (6, 1, 1, 4), (1, 9, 8, 6), strideH=1, strideW=1, fusedActivationFunction=2)


@case
def depthwise_multiplier_2(n: Net) -> list[int]:
    fields = {"strideH": 2, "strideW": 2, "depthMultiplier": 2, "fusedActivationFunction": 1}
    return conv(n, "DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", (1, 3, 3, 8), (1, 5, 4, 8), **fields)


@case
def depthwise_dilated(n: Net) -> list[int]:
    fields = {"strideH": 1, "strideW": 1, "depthMultiplier": 1, "dilationHFactor": 2, "dilationWFactor": 2}
    return conv(n, "DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", (1, 3, 3, 4), (1, 9, 8, 4), **fields)


def transposed(n: Net, shape: tuple[int, ...], padding: int, stride: int, bias: bool) -> list[int]:
    x = n.input((1, 4, 5, 3))
    inputs = [n.const(i32(*shape)), n.const(f32(shape[3], 3, 3, 3)), x] + ([n.const(f32(shape[3]))] if bias else [])
    return [n.op("TRANSPOSE_CONV", inputs, [n.tensor(shape)], "TransposeConvOptions", padding=padding, strideH=stride, strideW=stride)]


@case
def transpose_conv_same(n: Net) -> list[int]:
    return transposed(n, (1, 8, 10, 2), 0, 2, True)


@case
def transpose_conv_same_odd(n: Net) -> list[int]:
    return transposed(n, (1, 7, 9, 2), 0, 2, False)


@case
def transpose_conv_valid(n: Net) -> list[int]:
    return transposed(n, (1, 9, 11, 2), 1, 2, True)


@case
def fully_connected_flattens(n: Net) -> list[int]:
    x = n.input((2, 3, 4))
    inputs = [x, n.const(f32(5, 12)), n.const(f32(5))]
    return [n.op("FULLY_CONNECTED", inputs, [n.tensor((2, 5))], "FullyConnectedOptions", fusedActivationFunction=1)]


@case
def fully_connected_keeps_dims(n: Net) -> list[int]:
    x = n.input((2, 3, 4))
    return [n.op("FULLY_CONNECTED", [x, n.const(f32(5, 4)), -1], [n.tensor((2, 3, 5))], "FullyConnectedOptions", keepNumDims=True)]


@case
def batch_matmul_of_activations(n: Net) -> list[int]:
    a, b = n.input((2, 1, 3, 4)), n.input((5, 6, 4))
    return [n.op("BATCH_MATMUL", [a, b], [n.tensor((2, 5, 3, 6))], "BatchMatMulOptions", adjY=True)]


@case
def batch_matmul_adjoint_x(n: Net) -> list[int]:
    a, b = n.input((2, 4, 3)), n.input((2, 4, 6))
    return [n.op("BATCH_MATMUL", [a, b], [n.tensor((2, 3, 6))], "BatchMatMulOptions", adjX=True)]


@case
def batch_matmul_with_constant(n: Net) -> list[int]:
    return [n.op("BATCH_MATMUL", [n.input((2, 3, 4)), n.const(f32(4, 6))], [n.tensor((2, 3, 6))], "BatchMatMulOptions")]


def _binary(code: str, options: str, **fields: int) -> None:
    def build(n: Net) -> list[int]:
        a, b = n.input((2, 3, 4, 5)), n.const(np.abs(f32(4, 5)) + np.float32(0.5))
        a = n.op("MAXIMUM", [a, n.const(np.float32([0.25]))], [n.tensor((2, 3, 4, 5))], "MaximumMinimumOptions") if code == "POW" else a
        return [n.op(code, [a, b], [n.tensor((2, 3, 4, 5))], options, **fields)]

    CASES[f"{code.lower()}_{fields.get('fusedActivationFunction', 0)}"] = build


for _code, _options in (("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions"), ("DIV", "DivOptions")):
    for _fused in (0, 1, 3):
        _binary(_code, _options, fusedActivationFunction=_fused)
for _code, _options in (("MINIMUM", "MaximumMinimumOptions"), ("MAXIMUM", "MaximumMinimumOptions"), ("POW", "PowOptions")):
    _binary(_code, _options)


def _unary(code: str, options: str = "", **fields: float) -> None:
    def build(n: Net) -> list[int]:
        return [n.op(code, [n.input((2, 3, 4, 5))], [n.tensor((2, 3, 4, 5))], options, **fields)]

    CASES[code.lower() + "".join(f"_{v}" for v in fields.values())] = build


for _code in ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "LOGISTIC", "TANH", "HARD_SWISH"):
    _unary(_code)
_unary("LEAKY_RELU", "LeakyReluOptions", alpha=0.125)
_unary("SOFTMAX", "SoftmaxOptions", beta=1.0)
_unary("SOFTMAX", "SoftmaxOptions", beta=0.5)


@case
def prelu(n: Net) -> list[int]:
    return [n.op("PRELU", [n.input((2, 3, 4, 5)), n.const(f32(1, 1, 5))], [n.tensor((2, 3, 4, 5))])]


def _pool(code: str, padding: int, out: tuple[int, ...]) -> None:
    def build(n: Net) -> list[int]:
        fields = {"padding": padding, "strideH": 2, "strideW": 2, "filterHeight": 3, "filterWidth": 3, "fusedActivationFunction": 1}
        return [n.op(code, [n.input((1, 7, 8, 3))], [n.tensor(out)], "Pool2DOptions", **fields)]

    CASES[f"{code.lower()}_{'valid' if padding else 'same'}"] = build


for _code in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
    _pool(_code, 0, (1, 4, 4, 3))
    _pool(_code, 1, (1, 3, 3, 3))


def _reduce(code: str, keep: bool, out: tuple[int, ...]) -> None:
    def build(n: Net) -> list[int]:
        return [n.op(code, [n.input((2, 3, 4, 5)), n.const(i32(1, -2))], [n.tensor(out)], "ReducerOptions", keepDims=keep)]

    CASES[f"{code.lower()}_{'keep' if keep else 'drop'}"] = build


for _code in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"):
    _reduce(_code, True, (2, 1, 1, 5))
    _reduce(_code, False, (2, 5))
