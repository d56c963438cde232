"""Every operator of TFLite that edgeq takes, in a small file of its own, against TFLite's reference kernels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgeq_host.graph import Graph
from edgeq_host.importers import tflite
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.tflite_ops.table import RULES
from tests.importers.float_run import evaluate
from tests.importers.tflite_writer import Net, outputs, schema, witness

F = "FLOAT32"
rng = np.random.default_rng(5)
CASES: dict[str, Callable[[Net], list[int]]] = {}


def case(build: Callable[[Net], list[int]]) -> Callable[[Net], list[int]]:
    CASES[build.__name__] = build
    return build


def f32(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def i32(*values: int) -> np.ndarray:
    return np.asarray(values, np.int32)


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


def load(path: Path, data: bytes) -> Graph:
    path.write_bytes(data)
    graph = tflite.read(path, ImportOptions())
    graph.validate()
    return graph


@pytest.mark.parametrize("name", sorted(CASES))
def test_operator_equals_the_reference_kernels(name: str, tmp_path: Path) -> None:
    net = Net()
    data = net.data(*CASES[name](net))
    graph = load(tmp_path / f"{name}.tflite", data)
    inputs = [f32(*net.tensors[i].shape) * np.float32(3) for i in net.inputs]
    expected = outputs(witness(tmp_path / f"{name}.tflite", *inputs))
    found = evaluate(graph, *inputs)
    assert len(found) == len(expected)
    for got, want in zip(found, expected, strict=True):
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=2e-6, atol=2e-6 * float(np.ptp(want) + 1))


def test_every_rule_has_a_case() -> None:
    used = set()
    names = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
    for build in CASES.values():
        net = Net()
        build(net)
        used |= {names[number] for number in net.codes}
    assert set(RULES) - used == {"QUANTIZE"}, "QUANTIZE has tests of its own"


@pytest.mark.parametrize("name", ["dilated_by_batches", "dilated_by_batches_depthwise_same"])
def test_space_to_batch_around_a_convolution_folds_to_one_node(name: str, tmp_path: Path) -> None:
    net = Net()
    graph = load(tmp_path / "net.tflite", net.data(*CASES[name](net)))
    assert len(graph.nodes) == 1
    assert graph.nodes[0].attrs["dilation_h"] == 2
