"""Attributes of single operators in many combinations, onnxruntime as the witness."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import onnx
import pytest

from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx_ops.build import import_model
from edgeq_host.passes import normalize
from tests.importers.node_cases import evaluate
from tests.importers.onnx_nets import Net, witness


def _agrees(net: Net, model: onnx.ModelProto, **shapes: tuple[int, ...]) -> None:
    inputs = {name: net.rng.normal(0, 1, shape).astype(np.float32) for name, shape in shapes.items()}
    graph = normalize(import_model(model, "rule", ImportOptions()))
    graph.validate()
    for got, want in zip(evaluate(graph, inputs), witness(model, inputs), strict=True):
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("auto_pad", ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize(("kernel", "stride", "group"), list(itertools.product((1, 2, 3), (1, 2), (1, 2, 4))))
def test_conv_equals_onnxruntime(auto_pad: str, kernel: int, stride: int, group: int) -> None:
    net = Net(kernel * 10 + stride)
    attrs: dict[str, Any] = {"strides": [stride, 1], "auto_pad": auto_pad, "group": group}
    if auto_pad == "NOTSET":
        attrs |= {"pads": [1, 0, 0, 2], "dilations": [1, 2]}
    y = net.add("Conv", "x", net.weight(8, 4 // group, kernel, kernel), net.weight(8), **attrs)
    _agrees(net, net.model({"x": [2, 4, 7, 9]}, {y: None}), x=(2, 4, 7, 9))


@pytest.mark.parametrize(
    ("stride", "group", "dilation", "added"), [c for c in itertools.product((1, 2, 3), (1, 2), (1, 2), (0, 1)) if c[3] < c[0]]
)
def test_a_transposed_convolution_agrees_for_every_stride_group_and_dilation(stride: int, group: int, dilation: int, added: int) -> None:
    net = Net(stride)
    attrs = {"strides": [stride, stride], "group": group, "dilations": [dilation, dilation], "output_padding": [added, added]}
    y = net.add("ConvTranspose", "x", net.weight(4, 3, 3, 2), net.weight(3 * group), pads=[1, 0, 0, 1], **attrs)
    _agrees(net, net.model({"x": [1, 4, 5, 6]}, {y: None}), x=(1, 4, 5, 6))


@pytest.mark.parametrize(("op", "include"), [("AveragePool", 0), ("AveragePool", 1), ("MaxPool", 0)])
@pytest.mark.parametrize(("kernel", "stride", "ceil", "padded"), list(itertools.product((2, 3), (1, 2), (0, 1), (0, 1))))
def test_pool_equals_onnxruntime(op: str, kernel: int, stride: int, ceil: int, include: int, padded: int) -> None:
    net = Net(kernel, opset=19)
    attrs: dict[str, Any] = {"kernel_shape": [kernel, kernel], "strides": [stride, stride], "ceil_mode": ceil, "pads": [padded] * 4}
    if op == "AveragePool":
        attrs["count_include_pad"] = include
    y = net.add(op, "x", **attrs)
    _agrees(net, net.model({"x": [1, 3, 6, 9]}, {y: None}), x=(1, 3, 6, 9))


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge"])
def test_pad_with_amounts_of_either_sign(mode: str) -> None:
    net = Net(1)
    inputs = [net.const(np.array([0, 1, 2, -1, 0, 0, -1, 2]))] + ([net.const(np.float32(1.5))] if mode == "constant" else [])
    _agrees(net, net.model({"x": [1, 3, 5, 6]}, {net.add("Pad", "x", *inputs, mode=mode): None}), x=(1, 3, 5, 6))


COORDINATES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
ROUNDING = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


@pytest.mark.parametrize(("coordinates", "rounding", "size"), list(itertools.product(COORDINATES, ROUNDING, ((7, 9), (2, 3), (8, 12)))))
def test_a_nearest_resize_agrees_in_every_coordinate_and_rounding_mode(coordinates: str, rounding: str, size: tuple[int, int]) -> None:
    net = Net(2)
    attrs = {"mode": "nearest", "coordinate_transformation_mode": coordinates, "nearest_mode": rounding}
    y = net.add("Resize", "x", "", "", net.const(np.array([1, 3, *size])), **attrs)
    _agrees(net, net.model({"x": [1, 3, 4, 6]}, {y: None}), x=(1, 3, 4, 6))


@pytest.mark.parametrize(("coordinates", "size"), list(itertools.product(COORDINATES, ((7, 9), (2, 3), (8, 12), (1, 6)))))
def test_a_linear_resize_agrees_in_every_coordinate_mode(coordinates: str, size: tuple[int, int]) -> None:
    net = Net(3)
    y = net.add("Resize", "x", "", "", net.const(np.array([1, 3, *size])), mode="linear", coordinate_transformation_mode=coordinates)
    _agrees(net, net.model({"x": [1, 3, 4, 6]}, {y: None}), x=(1, 3, 4, 6))


@pytest.mark.parametrize("opset", [9, 11, 13])
@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_softmax_before_and_after_opset_13(opset: int, axis: int) -> None:
    net = Net(4, opset)
    _agrees(net, net.model({"x": [2, 3, 4]}, {net.add("Softmax", "x", axis=axis): None}), x=(2, 3, 4))


@pytest.mark.parametrize(
    "op", ["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare"]
)
@pytest.mark.parametrize(("axes", "keep", "opset"), list(itertools.product(([1], [-1, 0], None), (0, 1), (11, 18))))
def test_reduce_with_axes_as_attribute_and_as_input(op: str, axes: list[int] | None, keep: int, opset: int) -> None:
    net = Net(5, opset)
    if opset == 18:
        y = net.add(op, "x", *([net.const(np.array(axes))] if axes else []), keepdims=keep)
    else:
        y = net.add(op, "x", keepdims=keep, **({"axes": axes} if axes else {}))
    _agrees(net, net.model({"x": [2, 3, 4]}, {y: None}), x=(2, 3, 4))


def test_slice_before_opset_10_and_backwards() -> None:
    net = Net(6, 9)
    _agrees(net, net.model({"x": [4, 5, 6]}, {net.add("Slice", "x", axes=[0, 2], starts=[1, -4], ends=[3, 100]): None}), x=(4, 5, 6))
    net = Net(6, 13)
    parts = [net.const(np.array(v)) for v in ([-1, 4], [-100, 0], [0, 1], [-2, -1])]
    _agrees(net, net.model({"x": [4, 5, 6]}, {net.add("Slice", "x", *parts): None}), x=(4, 5, 6))


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_upsample_equals_onnxruntime(mode: str) -> None:
    net = Net(7, 9)
    y = net.add("Upsample", "x", net.const(np.array([1, 1, 2, 3], np.float32)), mode=mode)
    _agrees(net, net.model({"x": [1, 2, 3, 4]}, {y: None}), x=(1, 2, 3, 4))


def test_shapes_that_are_computed_from_shapes_are_known_at_import() -> None:
    net = Net(8)
    shape = net.add("Shape", net.conv("x", 3, 4, 1))
    first = net.add("Gather", shape, net.const(np.array(0)), axis=0)
    first = net.add("Unsqueeze", first, net.const(np.array([0])))
    y = net.add("Reshape", "t1", net.add("Concat", first, net.const(np.array([-1])), axis=0))
    _agrees(net, net.model({"x": ["n", 3, 4, 4]}, {net.add("Gemm", y, net.weight(64, 3)): None}), x=(1, 3, 4, 4))


@pytest.mark.parametrize("shapes", [((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((4,), (4, 5)), ((3, 4), (4,)), ((2, 1, 3, 4), (5, 4, 2))])
def test_matmul_of_two_activations_and_of_a_constant(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    a, b = shapes
    net = Net(9)
    _agrees(net, net.model({"a": a, "b": b}, {net.add("MatMul", "a", "b"): None}), a=a, b=b)
    net = Net(9)
    _agrees(net, net.model({"a": a}, {net.add("MatMul", "a", net.const(net.rng.normal(0, 1, b).astype(np.float32))): None}), a=a)
    net = Net(9)
    _agrees(net, net.model({"b": b}, {net.add("MatMul", net.const(net.rng.normal(0, 1, a).astype(np.float32)), "b"): None}), b=b)
