"""What each rewrite promises, on the smallest network that shows it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edgeq_host.graph import Graph
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx_ops.build import import_model
from edgeq_host.passes import normalize
from tests.importers.onnx_nets import Net

IMAGE = (1, 3, 6, 6)


def _graph(build: Callable[[Net], str], shape: tuple[int, ...] = IMAGE) -> Graph:
    net = Net(1)
    out = build(net)
    graph = normalize(import_model(net.model({"x": list(shape)}, {out: None}), "net", ImportOptions()))
    graph.validate()
    return graph


def _ops(build: Callable[[Net], str], shape: tuple[int, ...] = IMAGE) -> list[str]:
    return [n.op for n in _graph(build, shape).nodes]


def test_a_batch_norm_after_a_convolution_goes_into_its_weights() -> None:
    assert _ops(lambda n: n.batch_norm(n.conv("x", 3, 4, 3), 4)) == ["conv2d_f32"]


def test_a_batch_norm_that_cannot_fold_is_one_depthwise_layer_with_its_activation() -> None:
    graph = _graph(lambda n: n.add("Relu", n.batch_norm(n.add("MaxPool", n.conv("x", 3, 4, 3), kernel_shape=[2, 2]), 4)))
    assert [n.op for n in graph.nodes] == ["conv2d_f32", "max_pool2d_f32", "depthwise_conv2d_f32"]
    assert graph.nodes[-1].attrs["lo"] == 0.0


def test_a_batch_norm_does_not_cross_an_activation() -> None:
    assert _ops(lambda n: n.batch_norm(n.add("Relu", n.conv("x", 3, 4, 3)), 4)) == ["conv2d_f32", "depthwise_conv2d_f32"]


def test_a_shift_before_a_padded_convolution_stays_and_a_factor_goes_in() -> None:
    def build(n: Net) -> str:
        y = n.add("Mul", n.add("Sub", "x", n.weight(3, 1, 1)), n.weight(3, 1, 1))
        return n.conv(y, 3, 4, 3, pads=[1, 1, 1, 1])

    assert _ops(build) == ["sub_f32", "conv2d_f32"]


def test_a_shift_before_a_convolution_without_padding_goes_into_its_bias() -> None:
    assert _ops(lambda n: n.conv(n.add("Sub", "x", n.weight(3, 1, 1)), 3, 4, 3)) == ["conv2d_f32"]


def test_clips_in_a_row_become_the_bounds_of_the_layer() -> None:
    graph = _graph(lambda n: n.add("Clip", n.add("Relu", n.conv("x", 3, 4, 3)), n.const(np.float32(-1)), n.const(np.float32(6))))
    assert [(n.op, n.attrs["lo"], n.attrs["hi"]) for n in graph.nodes] == [("conv2d_f32", 0.0, 6.0)]


def test_an_activation_that_is_not_the_only_reader_stays() -> None:
    def build(n: Net) -> str:
        y = n.conv("x", 3, 4, 3)
        return str(n.add("Mul", n.add("Relu", y), y))

    assert _ops(build) == ["conv2d_f32", "clip_f32", "mul_f32"]


@pytest.mark.parametrize(("mode", "value", "kept"), [("constant", 0.0, 0), ("constant", 1.0, 1), ("edge", None, 1), ("reflect", None, 1)])
def test_only_a_pad_of_zeros_goes_into_a_convolution(mode: str, value: float | None, kept: int) -> None:
    def build(n: Net) -> str:
        extra = [] if value is None else [n.const(np.float32(value))]
        return n.conv(n.add("Pad", "x", n.const(np.array([0, 0, 1, 1, 0, 0, 1, 1])), *extra, mode=mode), 3, 4, 3)

    assert _ops(build) == ["pad"] * kept + ["conv2d_f32"]


def test_a_pad_before_an_average_counts_in_it_and_one_before_a_maximum_stays() -> None:
    def build(op: str) -> Callable[[Net], str]:
        return lambda n: n.add(op, n.add("Pad", "x", n.const(np.array([0, 0, 1, 1, 0, 0, 1, 1]))), kernel_shape=[3, 3])

    graph = _graph(build("AveragePool"))
    assert [(n.op, n.attrs["include_pad"]) for n in graph.nodes] == [("avg_pool2d_f32", 1)]
    assert _ops(build("MaxPool")) == ["pad", "max_pool2d_f32"]


def test_operators_that_change_nothing_disappear() -> None:
    def build(n: Net) -> str:
        y = n.add("Add", n.add("Mul", "x", n.const(np.ones((1, 3, 1, 1), np.float32))), n.const(np.float32(0)))
        y = n.add("Reshape", n.add("Reshape", y, n.const(np.array([3, -1]))), n.const(np.array([1, 3, 6, 6])))
        return n.conv(n.add("Dropout", n.add("Identity", y)), 3, 4, 3)

    assert _ops(build) == ["conv2d_f32"]


def test_operators_that_no_output_needs_are_dropped() -> None:
    def build(n: Net) -> str:
        y = n.conv("x", 3, 4, 3)
        n.add("Sigmoid", y)
        return y

    assert _ops(build) == ["conv2d_f32"]


def test_a_flattened_image_goes_into_a_dense_layer_without_a_transpose() -> None:
    ops = _ops(lambda n: n.add("Gemm", n.add("Flatten", n.add("Relu", n.conv("x", 3, 4, 3))), n.weight(64, 5), n.weight(5)))
    assert ops == ["conv2d_f32", "reshape", "fully_connected_f32"]


def test_constants_are_computed_at_import() -> None:
    def build(n: Net) -> str:
        w = n.add("Mul", n.weight(4, 3, 3, 3), n.add("Sqrt", n.const(np.float32(4))))
        return str(n.add("Conv", "x", w))

    assert _ops(build) == ["conv2d_f32"]


def test_edges_keep_the_layout_of_the_source() -> None:
    graph = _graph(lambda n: n.conv("x", 3, 4, 3))
    assert graph.inputs[0].shape == IMAGE and graph.inputs[0].permutation == (0, 2, 3, 1)
    assert graph.outputs[0].shape == (1, 4, 4, 4) and graph.outputs[0].permutation == (0, 2, 3, 1)
    assert graph.tensors[graph.inputs[0].tensor].shape == (1, 6, 6, 3)
