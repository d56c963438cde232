"""Networks of the shapes that exporters write: equal to onnxruntime, and without transposes at run time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx_ops.build import import_model
from edgeq_host.passes import normalize
from edgeq_host.session import Session
from tests.importers.onnx_nets import Net, residual_net, witness


def shuffle(net: Net) -> onnx.ModelProto:
    """Channel shuffle: one true transpose of channels stays."""
    y = net.conv("x", 4, 8, 3, pads=[1, 1, 1, 1])
    y = net.add("Reshape", y, net.const(np.array([1, 2, 4, 8, 8])))
    y = net.add("Transpose", y, perm=[0, 2, 1, 3, 4])
    y = net.add("Reshape", y, net.const(np.array([1, -1, 8, 8])))
    return net.model({"x": [1, 4, 8, 8]}, {net.conv(y, 8, 4, 1): None})


def squeeze_excite(net: Net) -> onnx.ModelProto:
    net.opset = 14
    y = net.add("HardSwish", net.conv("x", 3, 8, 3, strides=[2, 2], pads=[1, 1, 1, 1]))
    s = net.add("GlobalAveragePool", y)
    s = net.add("HardSigmoid", net.conv(net.add("Relu", net.conv(s, 8, 4, 1)), 4, 8, 1), alpha=1 / 6, beta=0.5)
    return net.model({"x": [1, 3, 8, 8]}, {net.conv(net.add("Mul", y, s), 8, 4, 1): None})


def decoder(net: Net) -> onnx.ModelProto:
    """Dense, then an image: the rows of the dense weight take the transpose."""
    y = net.add("Relu", net.add("Gemm", "x", net.weight(6, 4 * 4 * 3), net.weight(48)))
    y = net.add("Reshape", y, net.const(np.array([1, 3, 4, 4])))
    y = net.add("ConvTranspose", y, net.weight(3, 5, 3, 3), net.weight(5), strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])
    return net.model({"x": [1, 6]}, {net.add("Sigmoid", net.conv(y, 5, 3, 3, pads=[1, 1, 1, 1])): None})


def one_dimensional(net: Net) -> onnx.ModelProto:
    y = net.add("Conv", "x", net.weight(8, 3, 5), net.weight(8), pads=[2, 2], strides=[2])
    y = net.add("LeakyRelu", net.batch_norm(y, 8))
    y = net.add("Relu", net.add("Conv", y, net.weight(8, 1, 3), group=8, dilations=[2], pads=[2, 2]))
    y = net.add("MaxPool", y, kernel_shape=[2], strides=[2])
    y = net.add("ReduceMean", y, axes=[2], keepdims=0)
    return net.model({"x": [1, 3, 32]}, {net.add("Softmax", net.add("MatMul", y, net.weight(8, 4)), axis=-1): None})


def heads(net: Net) -> onnx.ModelProto:
    """A detector's heads: permuted to channels last by the exporter, reshaped, joined."""
    a = net.add("Relu", net.conv("x", 3, 8, 3, pads=[1, 1, 1, 1]))
    b = net.add("Relu", net.conv(a, 8, 8, 3, pads=[1, 1, 1, 1], strides=[2, 2]))
    parts = []
    for y in (a, b):
        y = net.add("Transpose", net.conv(y, 8, 6, 1), perm=[0, 2, 3, 1])
        parts.append(net.add("Reshape", y, net.const(np.array([1, -1, 3]))))
    return net.model({"x": [1, 3, 8, 8]}, {net.add("Softmax", net.add("Concat", *parts, axis=1), axis=2): None, b: None})


def feature_pyramid(net: Net) -> onnx.ModelProto:
    a = net.add("PRelu", net.conv("x", 3, 8, 3, pads=[1, 1, 1, 1]), net.const(net.rng.normal(0, 1, (8, 1, 1)).astype(np.float32)))
    b = net.conv(net.add("AveragePool", a, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]), 8, 8, 3, pads=[1, 1, 1, 1])
    mode = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    up = net.add("Resize", b, "", net.const(np.array([1, 1, 2, 2], np.float32)), **mode)
    near = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    twice = net.add("Resize", b, "", net.const(np.array([1, 1, 2, 2], np.float32)), **near)
    y = net.add("Concat", net.add("Add", a, up), twice, axis=1)
    first, second = net.add("Split", y, axis=1, outputs=2)
    y = net.add("Sub", net.add("Tanh", first), net.add("Max", second, net.const(np.float32(0.1))))
    return net.model({"x": [1, 3, 8, 8]}, {net.add("Clip", y, net.const(np.float32(-0.5)), net.const(np.float32(0.5))): None})


def pads(net: Net) -> onnx.ModelProto:
    """A pad of zeros around a convolution and around an average goes into them; the other modes stay."""
    y = net.add("Pad", "x", net.const(np.array([0, 0, 1, 0, 0, 0, 0, 2])))
    y = net.conv(y, 3, 4, 3, pads=[1, 1, 1, 1])
    y = net.add("AveragePool", net.add("Pad", y, net.const(np.array([0, 0, 1, 1, 0, 0, 1, 1]))), kernel_shape=[3, 3])
    y = net.add("Pad", y, net.const(np.array([0, 0, 1, 1, 0, 0, 1, 1])), mode="reflect")
    return net.model({"x": [1, 3, 8, 8]}, {net.conv(y, 4, 2, 3): None})


def scales(net: Net) -> onnx.ModelProto:
    """Constants per channel before, between and after layers."""
    y = net.add("Div", net.add("Sub", "x", net.weight(3, 1, 1)), net.weight(3, 1, 1, low=1.0))
    y = net.add("Mul", net.conv(y, 3, 8, 3), net.weight(8, 1, 1))
    y = net.add("Relu", net.batch_norm(net.add("Relu", net.add("Add", y, net.weight(1, 8, 1, 1))), 8))
    y = net.add("Mul", net.conv(y, 8, 8, 3, group=8, bias=False), net.const(np.float32(0.5)))
    y = net.add("Add", net.add("Flatten", y), net.weight(1, scale=1.0))
    return net.model({"x": [1, 3, 8, 8]}, {net.add("Gemm", y, net.weight(8 * 16, 4), net.weight(4), alpha=0.5, beta=2.0): None})


NETWORKS: dict[Callable[[Net], onnx.ModelProto], int] = {  # transposes that must stay
    shuffle: 1,
    squeeze_excite: 0,
    decoder: 0,
    one_dimensional: 0,
    heads: 0,
    feature_pyramid: 0,
    pads: 0,
    scales: 0,
    lambda net: residual_net(3): 0,
}


@pytest.mark.parametrize("build", NETWORKS, ids=lambda b: b.__name__.strip("<>"))
def test_a_network_equals_onnxruntime_and_keeps_no_transposes(build: Callable[[Net], onnx.ModelProto]) -> None:
    net = Net(11)
    model = build(net)
    source = import_model(model, "net", ImportOptions())
    source.validate()
    graph = normalize(source)
    graph.validate()
    assert sum(n.op == "transpose" for n in graph.nodes) == NETWORKS[build], [n.op for n in graph.nodes]
    inputs = {e.name: net.rng.normal(0, 1, e.shape).astype(np.float32) for e in graph.inputs}
    found = Session(graph).run(*inputs.values())
    for got, want in zip(found, witness(model, inputs), strict=True):
        assert got.shape == want.shape
        assert np.abs(got - want).max() <= 1e-5 * max(1.0, float(np.abs(want).max()))


def test_a_residual_around_the_first_convolution_takes_the_input_in_its_order() -> None:
    net = Net(12)
    y = net.conv(net.add("Add", net.conv("x", 3, 3, 3, pads=[1, 1, 1, 1]), "x"), 3, 2, 3)
    graph = normalize(import_model(net.model({"x": [1, 3, 6, 8]}, {y: None}), "net", ImportOptions()))
    assert [n.op for n in graph.nodes] == ["conv2d_f32", "add_f32", "conv2d_f32"]
    assert graph.inputs[0].permutation == (0, 2, 3, 1)
