"""QONNX: what is quantized to a number of bits becomes integers and thresholds, with onnx.reference as the witness."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import onnx
import pytest

from edgeq_host.graph import Array, Graph, Tensor
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx_ops.build import import_model
from edgeq_host.passes import normalize
from edgeq_host.session import Session
from tests.importers.onnx_nets import Net
from tests.importers.qonnx_nets import bipolar, dense, quant
from tests.importers.qonnx_reference import DOMAINS, ROUNDING, evaluate, quantized


def _graph(model: onnx.ModelProto) -> Graph:
    graph = normalize(import_model(model, "net", ImportOptions()))
    graph.validate()
    return graph


def _ran(graph: Graph, x: Array) -> Array:
    return Session(graph.with_real_constants()).run(x)[0]


def _weight(graph: Graph) -> Tensor:
    layer = next(n for n in graph.nodes if n.op in ("fully_connected_f32", "conv2d_f32", "depthwise_conv2d_f32"))
    return graph.tensors[layer.inputs[1]]


@pytest.mark.parametrize(("mode", "bits", "signed"), list(itertools.product((*ROUNDING, "round"), (2, 3, 4, 8), (0, 1))))
def test_weights_are_the_integers_of_the_definition(mode: str, bits: int, signed: int) -> None:
    model, w = dense(bits, signed=signed, narrow=1, rounding_mode=mode)
    weight = _weight(_graph(model))
    assert weight.data is not None and weight.quant is not None and weight.dtype == "s8"
    want = quantized(w, np.float32(0.125), np.float32(0), bits, bool(signed), True, mode).T
    assert np.array_equal(weight.data - weight.quant.zero, want) and weight.quant.scale.tolist() == [0.125]


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("operator", ["Quant", "IntQuant"])
def test_every_domain_and_name_is_known(domain: str, operator: str) -> None:
    model, _ = dense(4)
    model.graph.node[0].domain, model.graph.node[0].op_type = domain, operator
    assert _weight(_graph(model)).quant is not None


def test_scales_of_output_channels_stay_with_their_channels_through_transposes_and_reshapes() -> None:
    net = Net(1, opset=15)
    scales = np.array([[0.5], [0.25], [2.0]], np.float32)
    held = quant(net, net.weight(3, 8, scale=2.0), scales, 4, signed=1, narrow=0)
    folded = net.add("Reshape", net.add("Transpose", held, perm=[1, 0]), net.const(np.array([1, 8, 3])))
    model = net.model({"x": [2, 8]}, {net.add("MatMul", "x", net.add("Squeeze", folded, net.const(np.array([0])))): None})
    x = net.rng.normal(0, 1, (2, 8)).astype(np.float32)
    graph = _graph(model)
    weight = _weight(graph)
    assert weight.quant is not None and weight.quant.axis == 0 and weight.quant.scale.tolist() == [0.5, 0.25, 2.0]
    np.testing.assert_allclose(_ran(graph, x), evaluate(model, {"x": x})[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("bits", "signed", "zero", "kept"), [(4, 0, 8.0, 0), (8, 0, 128.0, 0), (8, 1, -3.0, -3), (8, 0, 0.0, -128), (8, 0, 255.0, 127)]
)
def test_zero_points_of_weights_go_into_the_integers_where_int8_holds_them(bits: int, signed: int, zero: float, kept: int) -> None:
    model, _ = dense(bits, zero=zero, signed=signed)
    weight = _weight(_graph(model))
    assert weight.quant is not None and weight.quant.zero.tolist() == [kept]
    x = np.eye(8, dtype=np.float32)[:2]
    np.testing.assert_allclose(_ran(_graph(model), x), evaluate(model, {"x": x})[0], rtol=1e-6)


def test_weights_of_more_than_8_bits_are_their_real_values() -> None:
    model, _ = dense(12, scale=0.03)
    x = np.eye(8, dtype=np.float32)[:2]
    weight = _weight(_graph(model))
    assert weight.quant is None and weight.dtype == "f32"
    np.testing.assert_allclose(_ran(_graph(model), x), evaluate(model, {"x": x})[0], rtol=1e-6)


def test_one_signed_bit_is_bipolar_for_weights_and_activations() -> None:
    net = Net(2, opset=15)
    w = quant(net, net.weight(8, 4), 0.5, 1, signed=1, narrow=0)
    model = net.model({"x": [2, 8]}, {net.add("MatMul", quant(net, "x", 0.25, 1, signed=1, narrow=0), w): None})
    graph = _graph(model)
    x = net.rng.normal(0, 1, (2, 8)).astype(np.float32)
    x[0, 0] = 0
    assert [n.op for n in graph.nodes] == ["sign_f32", "fully_connected_f32"]
    assert set(np.unique(_weight(graph).data)) == {-1, 1}  # type: ignore[arg-type]
    np.testing.assert_array_equal(_ran(graph, x), evaluate(model, {"x": x})[0])


FORMS = [(8, 1, 0, 0.0), (8, 0, 0, 128.0), (8, 1, 1, 0.0), (4, 0, 0, 0.0), (4, 0, 0, 7.0), (2, 1, 1, 0.0), (3, 1, 0, -1.0), (1, 0, 0, 0.0)]


@pytest.mark.parametrize(("bits", "signed", "zero"), [(4, 0, 200.0), (2, 1, -300.0), (8, 0, 500.0)])
def test_weights_with_a_zero_point_that_int8_does_not_hold_are_their_real_values(bits: int, signed: int, zero: float) -> None:
    model, _ = dense(bits, zero=zero, signed=signed)
    weight = _weight(_graph(model))
    assert weight.quant is None and weight.dtype == "f32"
    x = np.eye(8, dtype=np.float32)[:2]
    np.testing.assert_allclose(_ran(_graph(model), x), evaluate(model, {"x": x})[0], rtol=1e-6)


@pytest.mark.parametrize(("bits", "signed", "narrow", "zero"), FORMS)
def test_activations_take_the_values_of_the_definition(bits: int, signed: int, narrow: int, zero: float) -> None:
    net = Net(3, opset=15)
    y = quant(net, net.conv("x", 3, 4, 3), 0.3, bits, zero, signed=signed, narrow=narrow)
    model = net.model({"x": [1, 3, 9, 9]}, {y: None})
    graph = _graph(model)
    assert [n.op for n in graph.nodes] == ["conv2d_f32", "quantize_f32"]
    stated, fine = (graph.tensors[n.outputs[0]].quant for n in graph.nodes)
    assert stated is not None and fine is not None and stated.scale.tolist() == [np.float32(0.3)]
    assert float(stated.scale[0] / fine.scale[0]) == {1: 128, 2: 64, 3: 32, 4: 16, 8: 1}[bits], "what int8 has room for"
    x = net.rng.normal(0, 4, (1, 3, 9, 9)).astype(np.float32)
    np.testing.assert_allclose(_ran(graph, x), evaluate(model, {"x": x})[0], rtol=1e-6)


def test_a_batch_norm_before_a_sign_is_a_threshold_that_holds_at_ties() -> None:
    """beta = 0, so that the norm of the mean is exactly 0: +1, which factors rounded to float32 miss for most channels."""
    net = Net(4, opset=15)
    channels = 64
    mean = net.rng.integers(-20, 20, channels).astype(np.float32)
    gamma = net.rng.normal(0, 1, channels).astype(np.float32)
    parts = [net.const(v) for v in (gamma, np.zeros(channels, np.float32), mean, np.abs(net.rng.normal(0, 9, channels)).astype(np.float32))]
    y = bipolar(net, net.add("BatchNormalization", "x", *parts), 0.75)
    graph = _graph(net.model({"x": [3, channels]}, {y: None}))
    assert [n.op for n in graph.nodes] == ["sign_f32"]
    x = np.stack([mean, np.nextafter(mean, np.float32(99)), np.nextafter(mean, np.float32(-99))])
    want = np.where(gamma * np.array([[0.0], [1.0], [-1.0]]) >= 0, 0.75, -0.75)
    np.testing.assert_array_equal(_ran(graph, x), want)


def test_what_stands_before_a_sign_is_its_threshold() -> None:
    net = Net(5, opset=15)
    y = net.add("Sub", net.add("Div", "x", net.const(np.float32(-3))), net.const(np.arange(4, dtype=np.float32)))
    y = net.add("Add", net.add("Clip", y, net.const(np.float32(-1.5)), net.const(np.float32(1.5))), net.const(np.float32([0, 0.5, 2, 0])))
    model = net.model({"x": [500, 4]}, {bipolar(net, net.add("Mul", y, net.const(np.float32(7)))): None})
    graph = _graph(model)
    assert [n.op for n in graph.nodes] == ["sign_f32"]
    x = np.concatenate([net.rng.integers(-12, 12, (250, 4)) * 1.5, net.rng.normal(0, 5, (250, 4))]).astype(np.float32)
    np.testing.assert_array_equal(_ran(graph, x), evaluate(model, {"x": x})[0])


@pytest.mark.parametrize("gamma", ["positive", "mixed"])
def test_a_sign_goes_before_a_pooling_of_maxima(gamma: str) -> None:
    net = Net(6, opset=15)
    x = net.add("MaxPool", net.conv("x", 3, 8, 3), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    parts = [
        net.weight(8, low=0.5) if gamma == "positive" else net.weight(8, scale=1.0),
        net.weight(8),
        net.weight(8),
        net.weight(8, low=0.5),
    ]
    model = net.model({"x": [1, 3, 12, 12]}, {bipolar(net, net.add("BatchNormalization", x, *parts)): None})
    graph = _graph(model)
    signs = ["conv2d_f32", "sign_f32", "max_pool2d_f32"] + (["sign_f32"] if gamma == "mixed" else [])
    assert [n.op for n in graph.nodes] == signs
    image = net.rng.normal(0, 1, (1, 3, 12, 12)).astype(np.float32)
    np.testing.assert_array_equal(_ran(graph, image), evaluate(model, {"x": image})[0])


def test_scales_behind_quantized_weights_become_their_scales() -> None:
    net = Net(7, opset=15)
    y = net.add("MatMul", "x", bipolar(net, net.weight(8, 5), 0.5))
    y = net.add("Add", net.add("Mul", y, net.const(np.float32([1, -2, 3, 0.5, -1]))), net.const(np.float32([0, 1, 2, 3, 4])))
    model = net.model({"x": [2, 8]}, {y: None})
    graph = _graph(model)
    weight = _weight(graph)
    assert [n.op for n in graph.nodes] == ["fully_connected_f32"] and weight.quant is not None
    assert weight.quant.scale.tolist() == [0.5, 1.0, 1.5, 0.25, 0.5] and set(np.unique(weight.data)) == {-1, 1}  # type: ignore[arg-type]
    x = net.rng.normal(0, 1, (2, 8)).astype(np.float32)
    np.testing.assert_allclose(_ran(graph, x), evaluate(model, {"x": x})[0], rtol=1e-5)


def test_a_real_binary_network_imports_with_its_integers(assets: Path) -> None:
    graph = _graph(onnx.load(assets / "models" / "TFC_1W1A.onnx"))
    assert [n.op for n in graph.nodes] == ["reshape", *["sign_f32", "fully_connected_f32"] * 4]
    for node in graph.nodes[2::2]:
        weight = graph.tensors[node.inputs[1]]
        assert weight.quant is not None and set(np.unique(weight.data)) == {-1, 1}  # type: ignore[arg-type]
    data = np.load(assets / "data" / "mnist_test_even5000.npz")["x"][:40].reshape(-1, 1, 1, 28, 28) / np.float32(255)
    model = onnx.load(assets / "models" / "TFC_1W1A.onnx")
    for x in data:
        np.testing.assert_allclose(_ran(graph, x), evaluate(model, {"0": x})[0], atol=1e-5)
