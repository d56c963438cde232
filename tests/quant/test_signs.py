"""Networks of signs become operators on bits that give what the source's definition gives, also where a sum lies on a threshold."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import onnx
import pytest

from edgeq_host.graph import SIGN, Array, Graph, Quant
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx_ops.build import import_model
from edgeq_host.passes import normalize
from edgeq_host.quant import quantize_reported, wants_samples
from edgeq_host.quant.signs import input_affine
from edgeq_host.recipe import Recipe
from edgeq_host.selftest import to_inner
from edgeq_host.session import Session
from tests.importers.onnx_nets import Net as OnnxNet
from tests.importers.qonnx_nets import bipolar, conv_net, layer, mlp, norm, quant
from tests.importers.qonnx_reference import evaluator
from tests.quant.graphs import OPEN, Net
from tests.reference import run_graph


def _quantized(model: onnx.ModelProto, *warned: str) -> Graph:
    """Without samples: the source says all that is needed. warned: parts of what is said of it, one after the other."""
    graph = normalize(import_model(model, "net", ImportOptions()))
    assert not wants_samples(graph, Recipe())
    found = quantize_reported(graph, None, Recipe())
    assert not found.islands
    assert len(found.warnings) == len(warned) and all(part in said for part, said in zip(warned, found.warnings, strict=True))
    return found.graph


def _same_in_numpy_and_c(graph: Graph, inputs: list[Array]) -> list[Array]:
    """The outputs of the C core, every activation of which is that of the reference."""
    session, outputs = Session(graph, keep_all=True), []
    for x in inputs:
        outputs.append(session.run(x)[0])
        inner = {e.tensor: to_inner(graph, e, x) for e in graph.inputs}
        for name, value in run_graph(graph, inner).items():
            if graph.tensors[name].data is None and name in session.names():
                assert np.array_equal(value, session.tensor(name)), name
    return outputs


def _wanted(model: onnx.ModelProto, inputs: list[Array]) -> list[Array]:
    reference = evaluator(model)
    return [np.asarray(reference.run(None, {"x": x})[0]) for x in inputs]


def _ops(graph: Graph) -> Counter[str]:
    return Counter(n.op for n in graph.nodes)


@pytest.mark.parametrize("widths", [(40, 33, 5), (64, 96, 32, 10), (252, 7, 126, 3)])
def test_a_dense_network_of_signs_gives_the_sums_of_its_definition(widths: tuple[int, ...]) -> None:
    model = mlp(1, widths)
    graph = _quantized(model)
    assert _ops(graph) == {"sign_b1": 1, "fully_connected_b1": len(widths) - 1}
    assert [graph.tensors[n.inputs[1]].dtype for n in graph.nodes[1:]] == ["b1"] * (len(widths) - 1)
    rng = np.random.default_rng(2)
    inputs = [rng.choice(np.float32([0, 0.49999997, 0.5, 1]), (1, widths[0])) for _ in range(30)]
    for got, want in zip(_same_in_numpy_and_c(graph, inputs), _wanted(model, inputs), strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("last", ["scaled", "norm"])
@pytest.mark.parametrize("width", [64, 126, 127, 251, 252])
def test_outputs_keep_apart_what_the_definition_keeps_apart(last: str, width: int) -> None:
    model = mlp(width, (32, width, 10), last)
    graph = _quantized(model)
    assert ("add_f32" in _ops(graph)) == (last == "norm")
    rng = np.random.default_rng(3)
    inputs = [rng.random((1, 32), np.float32) for _ in range(40)]
    for got, want in zip(_same_in_numpy_and_c(graph, inputs), _wanted(model, inputs), strict=True):
        order = np.argsort(got[0], kind="stable")
        assert np.all(np.diff(want[0][order]) >= -1e-4), "in the order of the definition"
        close = np.subtract.outer(want[0], want[0])
        assert np.all((np.abs(np.subtract.outer(got[0], got[0])) > 1e-4) == (np.abs(close) > 1e-4)), "equal where it says equal"
        assert np.abs(got - want).max() <= (0.043 if last == "scaled" else 1e-4)


@pytest.mark.parametrize("first", ["int8", "signs"])
@pytest.mark.parametrize("seed", range(3))
def test_a_convolutional_network_of_signs_gives_the_sums_of_its_definition(first: str, seed: int) -> None:
    model = conv_net(seed, first)
    graph = _quantized(model)
    count = _ops(graph)
    assert count["conv2d_b1"] == (2 if first == "int8" else 3) and count["conv2d_s8"] == (1 if first == "int8" else 0)
    assert count["fully_connected_b1"] == 1 and count["max_pool2d_s8"] == count["unpack_s8"] == 1
    rng = np.random.default_rng(4)
    inputs = [(rng.integers(-128, 128, (1, 3, 12, 12)) / 64).astype(np.float32) for _ in range(6)]
    for got, want in zip(_same_in_numpy_and_c(graph, inputs), _wanted(model, inputs), strict=True):
        np.testing.assert_array_equal(got, want)


def test_sums_on_a_threshold_are_plus_for_every_sign_of_gamma() -> None:
    """The sums of a layer are the input's, one each: every even number from -64 to 64 on a batch norm of mean 0, 2, .. and beta 0."""
    net = OnnxNet(5, opset=15)
    channels = 66
    gamma = np.tile(np.float32([0.37, -0.37, 0]), 22)
    mean = np.float32(2 * np.arange(channels) - 66)
    parts = [net.const(v.astype(np.float32)) for v in (gamma, np.zeros(channels), mean, np.full(channels, 3))]
    x = layer(net, bipolar(net, "x"), np.ones((channels, 64)))
    y = bipolar(net, net.add("BatchNormalization", x, *parts))
    model = net.model({"x": [1, 64]}, {layer(net, y, net.rng.normal(0, 1, (channels, channels))): None})
    graph = _quantized(model)
    inputs = [np.where(np.arange(64) < k, 1, -1).astype(np.float32)[None] for k in range(65)]
    session = Session(graph, keep_all=True)
    for k, (x_in, want) in enumerate(zip(inputs, _wanted(model, inputs), strict=True)):
        np.testing.assert_array_equal(session.run(x_in)[0], want)
        total = 2 * k - 64
        bits = session.tensor(next(n.outputs[0] for n in graph.nodes if n.op == "fully_connected_b1"))[0]
        assert np.array_equal(bits, np.where(gamma * (total - mean) >= 0, 1, -1))


def _signs_of_int8(weight: Array, quant_of_weight: Quant | None, **sign: Any) -> tuple[Graph, Graph, Net]:
    """An int8 input with zero point -7, a dense layer, and a sign with random thresholds; as float and quantized."""
    net = Net(6)
    outputs = len(weight)
    x = net.input("x", (1, weight.shape[1]), Quant(np.array([0.5]), np.array([-7])))
    y = net.node(
        "fully_connected_f32",
        [x, net.constant("w", weight, quant_of_weight), net.constant("b", net.normal(outputs))],
        "y",
        (1, outputs),
        **(OPEN | sign),
    )
    t, turn = net.constant("t", np.rint(net.normal(outputs) * 40) / np.float32(4)), np.where(net.normal(outputs) < 0, -1, 1)
    names = [y, t, net.constant("turn", turn.astype(np.float32))]
    s = net.node("sign_f32", names, "s", (1, outputs), Quant(np.array([1 / SIGN]), np.zeros(1, np.int64)), plus=1.0, minus=-1.0)
    graph = net.graph(s)
    return graph, quantize_reported(graph, None, Recipe()).graph, net


@pytest.mark.parametrize("bounds", [{}, {"lo": 0.0, "hi": 6.0}, {"lo": -3.0, "hi": -1.0}])
@pytest.mark.parametrize("weights", ["int8", "uint8", "int4", "signs", "dead"])
def test_an_int8_layer_before_a_sign_makes_bits_by_one_threshold(weights: str, bounds: dict[str, float]) -> None:
    rng = np.random.default_rng(7)
    low, high = {"int8": (-128, 128), "uint8": (-128, 128), "int4": (-8, 8), "signs": (0, 2), "dead": (0, 1)}[weights]
    w = rng.integers(low, high, (24, 40)).astype(np.int8)
    w = 2 * w - 1 if weights == "signs" else w
    zero = np.array([5 if weights == "uint8" else 0])
    real, graph, _ = _signs_of_int8(w, Quant(np.array([0.25]), zero), **bounds)
    assert [n.op for n in graph.nodes] == ["fully_connected_s8", "sign_b1", "unpack_s8"]
    assert graph.tensors[graph.nodes[0].inputs[1]].dtype == {"int4": "s4", "signs": "b1", "dead": "s2"}.get(weights, "s8")
    inputs = [((rng.integers(-128, 128, (1, 40)) + 7) * 0.5).astype(np.float32) for _ in range(20)]
    float_session = Session(real)
    for got, x in zip(_same_in_numpy_and_c(graph, inputs), inputs, strict=True):
        np.testing.assert_array_equal(got, float_session.run(x)[0])  # sums of multiples of 1/8 and a bias: exact but for its rounding


def test_a_sign_of_an_int8_activation_is_a_threshold_on_its_integers() -> None:
    net = Net(8)
    x = net.input("x", (2, 9), Quant(np.array([0.25]), np.array([3])))
    t = net.constant("t", np.float32([0, 0.1, -0.1, 0.25, 31.0, 31.25, -32.75, -99, np.inf]))
    turn = net.constant("turn", np.float32([1, -1, 1, -1, 1, 1, 1, 1, 1]))
    s = net.node("sign_f32", [x, t, turn], "s", (2, 9), Quant(np.array([0.5 / SIGN]), np.zeros(1, np.int64)), plus=0.5, minus=-0.5)
    real = net.graph(s)
    graph = quantize_reported(real, None, Recipe()).graph
    assert [n.op for n in graph.nodes] == ["sign_b1", "unpack_s8"]
    inputs = [np.full((2, 9), (q - 3) * 0.25, np.float32) for q in range(-128, 128)]
    for got, x_in in zip(_same_in_numpy_and_c(graph, inputs), inputs, strict=True):
        np.testing.assert_array_equal(got, Session(real).run(x_in)[0]) if x_in[0, 0] in (0, 0.25, 31, -32.75) else None
        np.testing.assert_array_equal(got, np.where(_below(x_in, real), -0.5, 0.5))


def _below(x: Array, graph: Graph) -> Array:
    t, turn = (graph.tensors[name].data for name in ("t", "turn"))
    assert t is not None and turn is not None
    return np.asarray((x < t) != (turn < 0))


@pytest.mark.parametrize("threshold", [0.5, -0.5, 0.1, 1 / 3, 127.5, -1e-20, 1e30, 0.0, -7.25, 3e-5])
def test_an_input_that_only_signs_read_is_quantized_around_their_threshold(threshold: float) -> None:
    net = Net(9)
    t = net.constant("t", np.float32([threshold]))
    quantization = Quant(np.array([1 / SIGN]), np.zeros(1, np.int64))
    graph = net.graph(net.node("sign_f32", [net.input("x", (1, 4)), t], "s", (1, 4), quantization, plus=1.0, minus=-1.0))
    at = input_affine(graph, ("x",))
    assert at is not None
    own = np.float32(threshold)
    x = np.array([[own, np.nextafter(own, np.float32(9e37)), np.nextafter(own, np.float32(-9e37)), -own]], np.float32)
    x[0, 2] = -1e-25 if threshold == 0 else x[0, 2]  # numbers this near 0 count as 0
    made = quantize_reported(graph, None, Recipe()).graph
    np.testing.assert_array_equal(Session(made).run(x)[0], np.where(x >= own, 1, -1))


def test_signs_are_64_steps_so_that_means_of_them_keep_their_fraction() -> None:
    net = OnnxNet(10, opset=15)
    y = net.add("GlobalAveragePool", bipolar(net, "x", 0.5))
    model = net.model({"x": [1, 8, 4, 4]}, {y: None})
    graph = _quantized(model)
    assert [n.op for n in graph.nodes][:2] == ["sign_b1", "unpack_s8"]
    inputs = [net.rng.normal(0, 1, (1, 8, 4, 4)).astype(np.float32) for _ in range(5)]
    for got, want in zip(_same_in_numpy_and_c(graph, inputs), _wanted(model, inputs), strict=True):
        assert np.abs(got - want).max() <= 0.5 / SIGN / 2 + 1e-7


@pytest.mark.parametrize("weights", ["ternary", "grouped", "depthwise"])
def test_signs_before_other_layers_are_int8(weights: str) -> None:
    net = OnnxNet(11, opset=15)
    signs = bipolar(net, "x", 0.5)
    group = {"ternary": 1, "grouped": 2, "depthwise": 8}[weights]
    w = net.weight(8, 8 // group, 3, 3, scale=1.0)
    w = quant(net, w, 1.0, 2, signed=1, narrow=1) if weights == "ternary" else bipolar(net, w)
    y = bipolar(net, norm(net, net.add("Conv", signs, w, group=group), 8, 0.5))
    model = net.model({"x": [1, 8, 6, 6]}, {y: None})
    graph = _quantized(model, *(["convolutions in groups have no kernel of signs"] if weights == "grouped" else []))
    operator = "depthwise_conv2d_s8" if weights == "depthwise" else "conv2d_s8"
    assert [n.op for n in graph.nodes if "conv" in n.op] == [operator]
    assert [graph.tensors[n.inputs[1]].dtype for n in graph.nodes if "conv" in n.op] == [
        {"ternary": "s2", "grouped": "b1"}.get(weights, "s4")
    ]
    inputs = [net.rng.normal(0, 1, (1, 8, 6, 6)).astype(np.float32) for _ in range(5)]
    for got, want in zip(_same_in_numpy_and_c(graph, inputs), _wanted(model, inputs), strict=True):
        np.testing.assert_array_equal(got, want)


def test_two_layers_that_share_their_weights_turn_their_channels_apart() -> None:
    net = OnnxNet(12, opset=15)
    w = net.add("Transpose", bipolar(net, net.weight(16, 16)), perm=[1, 0])
    x = bipolar(net, "x")
    for _ in range(3):
        x = bipolar(net, norm(net, net.add("MatMul", x, w), 16, 2.0))
    model = net.model({"x": [1, 16]}, {net.add("MatMul", x, w): None})
    inputs = [net.rng.normal(0, 1, (1, 16)).astype(np.float32) for _ in range(20)]
    for got, want in zip(_same_in_numpy_and_c(_quantized(model), inputs), _wanted(model, inputs), strict=True):
        np.testing.assert_array_equal(got, want)


def test_a_sum_that_something_else_reads_is_int8_by_its_range() -> None:
    net = OnnxNet(13, opset=15)
    x = layer(net, bipolar(net, "x"), net.rng.normal(0, 1, (32, 64)), 0.125)
    y = net.add("Add", norm(net, x, 32), layer(net, bipolar(net, x), net.rng.normal(0, 1, (32, 32)), 0.125))
    model = net.model({"x": [1, 64]}, {y: None})
    inputs = [net.rng.normal(0, 1, (1, 64)).astype(np.float32) for _ in range(64)]
    graph = normalize(import_model(model, "net", ImportOptions()))
    assert wants_samples(graph, Recipe())
    made = quantize_reported(graph, [[x] for x in inputs], Recipe()).graph
    assert _ops(made)["fully_connected_b1"] == 2
    step = float(made.tensors[made.outputs[0].tensor].quant.scale[0])  # type: ignore[union-attr]
    errors = [np.abs(got - want) for got, want in zip(_same_in_numpy_and_c(made, inputs), _wanted(model, inputs), strict=True)]
    assert np.median(errors) <= 2 * step
