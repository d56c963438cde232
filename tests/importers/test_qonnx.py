"""QONNX: what is quantized to a number of bits becomes integers and thresholds, with onnx.reference as the witness."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgeq_host.errors import UnsupportedError
from edgeq_host.graph import Array, Graph, Tensor
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx_ops.build import import_model
from edgeq_host.passes import normalize
from edgeq_host.session import Session
from tests.importers.onnx_nets import Net
from tests.importers.qonnx_reference import DOMAINS, ROUNDING, evaluate, quantized

BREVITAS = DOMAINS[0]


def _graph(model: onnx.ModelProto) -> Graph:
    graph = normalize(import_model(model, "net", ImportOptions()))
    graph.validate()
    return graph


def _ran(graph: Graph, x: Array) -> Array:
    return Session(graph.with_real_constants()).run(x)[0]


def _weight(graph: Graph) -> Tensor:
    layer = next(n for n in graph.nodes if n.op in ("fully_connected_f32", "conv2d_f32", "depthwise_conv2d_f32"))
    return graph.tensors[layer.inputs[1]]


def _quant(net: Net, x: str, scale: Any, bits: float, zero: Any = 0.0, domain: str = BREVITAS, **attrs: Any) -> str:
    inputs = [net.const(np.float32(v)) for v in (scale, zero, bits)]
    return str(net.add("Quant", x, *inputs, domain=domain, **attrs))


def _dense(bits: int, rows: int = 6, scale: Any = 0.125, zero: Any = 0.0, **attrs: Any) -> tuple[onnx.ModelProto, Array]:
    """x times a quantized matrix [8, rows], and the matrix; its values cross all bounds, and lie on ties too."""
    net = Net(bits, opset=15)
    w = np.rint(net.rng.normal(0, 2.0 ** min(bits, 9), (8, rows))).astype(np.float32) * np.float32(0.0625)
    y = net.add("MatMul", "x", _quant(net, net.const(w), scale, bits, zero, **attrs))
    return net.model({"x": [2, 8]}, {y: [2, rows]}), w


@pytest.mark.parametrize(("mode", "bits", "signed"), list(itertools.product((*ROUNDING, "round"), (2, 3, 4, 8), (0, 1))))
def test_weights_are_the_integers_of_the_definition(mode: str, bits: int, signed: int) -> None:
    model, w = _dense(bits, signed=signed, narrow=1, rounding_mode=mode)
    weight = _weight(_graph(model))
    assert weight.data is not None and weight.quant is not None and weight.dtype == "s8"
    want = quantized(w, np.float32(0.125), np.float32(0), bits, bool(signed), True, mode).T
    assert np.array_equal(weight.data - weight.quant.zero, want) and weight.quant.scale.tolist() == [0.125]


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("operator", ["Quant", "IntQuant"])
def test_every_domain_and_name_is_known(domain: str, operator: str) -> None:
    model, _ = _dense(4)
    model.graph.node[0].domain, model.graph.node[0].op_type = domain, operator
    assert _weight(_graph(model)).quant is not None


def test_scales_of_output_channels_stay_with_their_channels_through_transposes_and_reshapes() -> None:
    net = Net(1, opset=15)
    scales = np.array([[0.5], [0.25], [2.0]], np.float32)
    held = _quant(net, net.weight(3, 8, scale=2.0), scales, 4, signed=1, narrow=0)
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
    model, _ = _dense(bits, zero=zero, signed=signed)
    weight = _weight(_graph(model))
    assert weight.quant is not None and weight.quant.zero.tolist() == [kept]
    x = np.eye(8, dtype=np.float32)[:2]
    np.testing.assert_allclose(_ran(_graph(model), x), evaluate(model, {"x": x})[0], rtol=1e-6)


def test_weights_of_more_than_8_bits_are_their_real_values() -> None:
    model, _ = _dense(12, scale=0.03)
    x = np.eye(8, dtype=np.float32)[:2]
    weight = _weight(_graph(model))
    assert weight.quant is None and weight.dtype == "f32"
    np.testing.assert_allclose(_ran(_graph(model), x), evaluate(model, {"x": x})[0], rtol=1e-6)


def test_one_signed_bit_is_bipolar_for_weights_and_activations() -> None:
    net = Net(2, opset=15)
    w = _quant(net, net.weight(8, 4), 0.5, 1, signed=1, narrow=0)
    model = net.model({"x": [2, 8]}, {net.add("MatMul", _quant(net, "x", 0.25, 1, signed=1, narrow=0), w): None})
    graph = _graph(model)
    x = net.rng.normal(0, 1, (2, 8)).astype(np.float32)
    x[0, 0] = 0
    assert [n.op for n in graph.nodes] == ["sign_f32", "fully_connected_f32"]
    assert set(np.unique(_weight(graph).data)) == {-1, 1}  # type: ignore[arg-type]
    np.testing.assert_array_equal(_ran(graph, x), evaluate(model, {"x": x})[0])


@pytest.mark.parametrize(
    ("bits", "signed", "narrow", "bounds"), [(8, 1, 0, None), (8, 0, 0, None), (4, 0, 0, (0, 15)), (2, 1, 1, (-1, 1)), (1, 0, 0, (0, 1))]
)
def test_activations_have_the_stated_scale_and_bounds(bits: int, signed: int, narrow: int, bounds: tuple[int, int] | None) -> None:
    net = Net(3, opset=15)
    y = _quant(net, net.conv("x", 3, 4, 3), 0.5, bits, signed=signed, narrow=narrow)
    graph = _graph(net.model({"x": [1, 3, 5, 5]}, {y: None}))
    assert [n.op for n in graph.nodes] == ["conv2d_f32"]
    out = graph.tensors[graph.nodes[0].outputs[0]]
    assert (
        out.quant is not None and out.quant.scale.tolist() == [0.5] and out.quant.zero.tolist() == [-128 if (bits, signed) == (8, 0) else 0]
    )
    wanted = (-np.inf, np.inf) if bounds is None else tuple(0.5 * b for b in bounds)
    assert (graph.nodes[0].attrs["lo"], graph.nodes[0].attrs["hi"]) == wanted


def _bipolar(net: Net, x: str, scale: Any = 1.0) -> str:
    return str(net.add("BipolarQuant", x, net.const(np.float32(scale)), domain=BREVITAS))


def test_a_batch_norm_before_a_sign_is_a_threshold_that_holds_at_ties() -> None:
    """beta = 0, so that the norm of the mean is exactly 0: +1, which factors rounded to float32 miss for most channels."""
    net = Net(4, opset=15)
    channels = 64
    mean = net.rng.integers(-20, 20, channels).astype(np.float32)
    gamma = net.rng.normal(0, 1, channels).astype(np.float32)
    parts = [net.const(v) for v in (gamma, np.zeros(channels, np.float32), mean, np.abs(net.rng.normal(0, 9, channels)).astype(np.float32))]
    y = _bipolar(net, net.add("BatchNormalization", "x", *parts), 0.75)
    graph = _graph(net.model({"x": [3, channels]}, {y: None}))
    assert [n.op for n in graph.nodes] == ["sign_f32"]
    x = np.stack([mean, np.nextafter(mean, np.float32(99)), np.nextafter(mean, np.float32(-99))])
    want = np.where(gamma * np.array([[0.0], [1.0], [-1.0]]) >= 0, 0.75, -0.75)
    np.testing.assert_array_equal(_ran(graph, x), want)


def test_what_stands_before_a_sign_is_its_threshold() -> None:
    net = Net(5, opset=15)
    y = net.add("Sub", net.add("Div", "x", net.const(np.float32(-3))), net.const(np.arange(4, dtype=np.float32)))
    y = net.add("Add", net.add("Clip", y, net.const(np.float32(-1.5)), net.const(np.float32(1.5))), net.const(np.float32([0, 0.5, 2, 0])))
    model = net.model({"x": [500, 4]}, {_bipolar(net, net.add("Mul", y, net.const(np.float32(7)))): None})
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
    model = net.model({"x": [1, 3, 12, 12]}, {_bipolar(net, net.add("BatchNormalization", x, *parts)): None})
    graph = _graph(model)
    signs = ["conv2d_f32", "sign_f32", "max_pool2d_f32"] + (["sign_f32"] if gamma == "mixed" else [])
    assert [n.op for n in graph.nodes] == signs
    image = net.rng.normal(0, 1, (1, 3, 12, 12)).astype(np.float32)
    np.testing.assert_array_equal(_ran(graph, image), evaluate(model, {"x": image})[0])


def test_scales_behind_quantized_weights_become_their_scales() -> None:
    net = Net(7, opset=15)
    y = net.add("MatMul", "x", net.add("BipolarQuant", net.weight(8, 5), net.const(np.float32(0.5)), domain=BREVITAS))
    y = net.add("Add", net.add("Mul", y, net.const(np.float32([1, -2, 3, 0.5, -1]))), net.const(np.float32([0, 1, 2, 3, 4])))
    model = net.model({"x": [2, 8]}, {y: None})
    graph = _graph(model)
    weight = _weight(graph)
    assert [n.op for n in graph.nodes] == ["fully_connected_f32"] and weight.quant is not None
    assert weight.quant.scale.tolist() == [0.5, 1.0, 1.5, 0.25, 0.5] and set(np.unique(weight.data)) == {-1, 1}  # type: ignore[arg-type]
    x = net.rng.normal(0, 1, (2, 8)).astype(np.float32)
    np.testing.assert_allclose(_ran(graph, x), evaluate(model, {"x": x})[0], rtol=1e-5)


# Hostile files: (what is wrong, how the model is spoiled, words of the refusal).


def _changed(i: int, value: Any) -> Any:
    """Input i of the first node, a constant, is another one."""

    def change(model: onnx.ModelProto) -> None:
        name = f"changed{i}"
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(value), name))
        model.graph.node[0].input[i] = name

    return change


def _attribute(name: str, value: Any) -> Any:
    def change(model: onnx.ModelProto) -> None:
        node = model.graph.node[0]
        for old in [a for a in node.attribute if a.name == name]:
            node.attribute.remove(old)
        node.attribute.append(onnx.helper.make_attribute(name, value))

    return change


def _computed(i: int) -> Any:
    def change(model: onnx.ModelProto) -> None:
        model.graph.node[0].input[i] = "x"

    return change


def _without(i: int) -> Any:
    def change(model: onnx.ModelProto) -> None:
        del model.graph.node[0].input[i:]

    return change


NAN, INF = np.float32("nan"), np.float32("inf")
BAD = {
    "scale of 3 for 8 channels": (_changed(1, np.ones((3, 1), np.float32)), "does not fit a tensor of shape"),
    "scale of two axes": (_changed(1, np.ones((8, 6), np.float32)), "does not fit a tensor of shape"),
    "scale of more axes": (_changed(1, np.ones((1, 1, 1), np.float32)), "does not fit a tensor of shape"),
    "empty scale": (_changed(1, np.ones((0,), np.float32)), "the scale is empty"),
    "scale 0": (_changed(1, np.float32(0)), "a scale is 0"),
    "negative scale": (_changed(1, np.float32(-1)), "a scale is -1"),
    "scale NaN": (_changed(1, NAN), "no finite numbers"),
    "scale infinite": (_changed(1, INF), "no finite numbers"),
    "scale beyond float32 products": (_changed(1, np.float32(1e-38)), "a scale is 1e-38"),
    "scale that is text": (_changed(1, np.array(["one"])), "no finite numbers"),
    "scale at run time": (_computed(1), "computed at run time"),
    "zero point NaN": (_changed(2, NAN), "no finite numbers"),
    "zero point of a half": (_changed(2, np.float32(0.5)), "no integer"),
    "zero points along another axis": (_changed(2, np.arange(6, dtype=np.float32)), "a zero point of shape"),
    "0 bits": (_changed(3, np.float32(0)), "a bit width of 0"),
    "33 bits": (_changed(3, np.float32(33)), "a bit width of 33"),
    "1.5 bits": (_changed(3, np.float32(1.5)), "a bit width of 1.5"),
    "-4 bits": (_changed(3, np.float32(-4)), "a bit width of -4"),
    "NaN bits": (_changed(3, NAN), "a bit width of nan"),
    "two bit widths": (_changed(3, np.float32([4, 8])), "has 2 elements, expected one"),
    "no bit width": (_without(3), "input 3 is missing"),
    "no scale": (_without(1), "is missing"),
    "unknown rounding": (_attribute("rounding_mode", "SIDEWAYS"), "rounding mode 'SIDEWAYS' is unknown"),
    "rounding that is a number": (_attribute("rounding_mode", 3), "rounding mode '3' is unknown"),
    "weights with NaN": (_changed(0, np.full((8, 6), NAN)), "no finite numbers"),
}


@pytest.mark.parametrize("what", list(BAD))
def test_a_damaged_quant_is_refused_by_name(what: str) -> None:
    spoil, words = BAD[what]
    model, _ = _dense(4, scale=np.full((8, 1), 0.5), signed=1, narrow=0, rounding_mode="ROUND")
    spoil(model)
    with pytest.raises(UnsupportedError) as raised:
        import_model(model, "net", ImportOptions())
    assert words in str(raised.value) and "Quant 'Quant_1'" in str(raised.value)


BAD_ACTIVATIONS: dict[str, tuple[dict[str, Any], str]] = {
    "scales by channel": ({"scale": np.full((1, 8), 0.5)}, "8 scales"),
    "9 bits": ({"bits": 9}, "more than 8 bits"),
    "16 bits": ({"bits": 16}, "more than 8 bits"),
    "rounded up": ({"rounding_mode": "CEIL"}, "rounds an activation by CEIL"),
    "zero point outside": ({"zero": 300.0}, "lies outside"),
    "one narrow bit": ({"bits": 1, "signed": 0, "narrow": 1}, "hold nothing but 0"),
    "two narrow bits with nothing": ({"bits": 1, "signed": 1, "zero": 1.0}, "one signed bit with a zero point"),
}


@pytest.mark.parametrize("what", list(BAD_ACTIVATIONS))
def test_a_quantization_of_activations_that_cannot_be_kept_is_refused(what: str) -> None:
    changed, words = BAD_ACTIVATIONS[what]
    given: dict[str, Any] = {"scale": 0.5, "bits": 4, "signed": 1, "narrow": 0, **changed}
    net = Net(8, opset=15)
    with pytest.raises(UnsupportedError) as raised:
        import_model(net.model({"x": [2, 8]}, {_quant(net, "x", **given): None}), "net", ImportOptions())
    assert words in str(raised.value) and "(" in str(raised.value), "it says what to do"


@pytest.mark.parametrize(
    ("scale", "words"),
    [(0.0, "a scale is 0"), (-1.0, "a scale is -1"), (NAN, "no finite"), (np.ones((1, 8)), "8 scales"), (np.ones(7), "does not fit")],
)
def test_a_bipolar_activation_with_a_bad_scale_is_refused(scale: Any, words: str) -> None:
    net = Net(9, opset=15)
    with pytest.raises(UnsupportedError, match=words):
        import_model(net.model({"x": [2, 8]}, {_bipolar(net, "x", scale): None}), "net", ImportOptions())


def test_a_batch_norm_that_is_not_finite_is_refused_before_a_sign_too() -> None:
    net = Net(10, opset=15)
    parts = [net.const(np.full(8, v, np.float32)) for v in (1, 0, np.inf, 1)]
    y = _bipolar(net, net.add("BatchNormalization", "x", *parts))
    with pytest.raises(UnsupportedError, match="not finite"):
        import_model(net.model({"x": [2, 8]}, {y: None}), "net", ImportOptions())


@pytest.mark.parametrize("operator", ["Trunc", "FloatQuant", "MultiThreshold"])
def test_other_operators_of_qonnx_are_named(operator: str) -> None:
    net = Net(11, opset=15)
    y = net.add(operator, "x", domain=DOMAINS[1])
    with pytest.raises(UnsupportedError, match=f"{operator} '{operator}_1': edgeq has no such operator of the domain '{DOMAINS[1]}'"):
        import_model(net.model({"x": [2, 8]}, {y: None}), "net", ImportOptions())


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
