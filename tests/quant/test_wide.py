"""int16 activations: which nodes have them, what stands between them, and how near their integers stay to float."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq_host.errors import UsageError
from edgeq_host.graph import Array, Graph, Quant
from edgeq_host.quant import Quantized, quantize_reported, wide
from edgeq_host.recipe import Layer, Recipe, Step
from edgeq_host.selftest import to_inner
from edgeq_host.session import Session
from edgeq_runtime import rounding
from tests.quant.graphs import OPEN, Net, samples
from tests.quant.networks import with_int8_weights
from tests.quant.test_rules import CASES, SHAPE
from tests.reference import run_graph

WIDE = Recipe(precision="w8a16")
# What lies between the entries of a table is on a line; the weights of a matmul are not those of the float one.
STEPS = {"tanh": 3.0, "hard_swish": 4.0, "pow constant": 4.0, "matmul constant": 150.0}
WITHOUT = {
    "min", "max", "max constant", "softmax", "div", "div constant by", "pow", "prelu", "matmul", "resize_bilinear", "sign", "quantize",
}  # fmt: skip


def made(graph: Graph, recipe: Recipe = WIDE) -> Quantized:
    return quantize_reported(graph, samples(graph, 64), recipe)


def ops(found: Quantized) -> list[str]:
    return [node.op for node in found.graph.nodes]


def chain(quant: Quant | None = None, dtype: str = "f32") -> Graph:
    """Three convolutions."""
    net = Net()
    a = net.conv(net.input("x", SHAPE, quant, dtype), "a", 8, pad=1)
    return net.graph(net.conv(net.conv(a, "b", 8, pad=1), "c", 4))


def errors(graph: Graph, found: Graph, inputs: list[list[Array]]) -> Array:
    real, session = Session(graph), Session(found)
    return np.abs([real.run(*x)[0] - session.run(*x)[0] for x in inputs])


@pytest.mark.parametrize("name", CASES)
def test_int16_stays_near_float_and_is_the_same_in_numpy_and_c(name: str) -> None:
    graph, found = CASES[name][0](), made(CASES[name][0]())
    inputs, output = samples(graph, 8), found.graph.tensors["y"]
    assert not found.islands and output.quant is not None
    assert (output.dtype == "s8") == (name in WITHOUT) == (not wide.has_form(graph, graph.nodes[-1]))
    if name in WITHOUT:
        return
    real = with_int8_weights(graph, found.graph)  # 8 bits of a weight are much coarser than 16 of an activation
    assert errors(real, found.graph, inputs).max() <= (STEPS.get(name, 1.5) + 0.51) * float(output.quant.scale[0])
    session = Session(found.graph, keep_all=True)
    for sample in inputs:
        session.run(*sample)
        inner = {e.tensor: to_inner(found.graph, e, x) for e, x in zip(found.graph.inputs, sample, strict=True)}
        for tensor, value in run_graph(found.graph, inner).items():
            if found.graph.tensors[tensor].data is None and tensor in session.names():
                assert np.array_equal(value, session.tensor(tensor)), tensor


def test_a_whole_network_has_no_int8_between_its_layers() -> None:
    found = made(chain())
    assert ops(found) == ["conv2d_s16"] * 3
    assert {t.dtype for t in found.graph.tensors.values() if t.data is None} == {"s16"}
    assert not any("int16" in text for text in found.warnings)


def test_a_layer_reads_and_writes_int16_between_layers_of_int8() -> None:
    found = made(chain(), Recipe(layer=(Layer("b.node", "w8a16"),)))
    assert ops(found) == ["conv2d_s8", "requantize_s16", "conv2d_s16", "requantize_s16", "conv2d_s8"]


def test_a_layer_of_int8_stands_between_those_of_int16() -> None:
    found = made(chain(), replace(WIDE, layer=(Layer("b.node", "int8"),)))
    assert ops(found) == ["conv2d_s16", "requantize_s16", "conv2d_s8", "requantize_s16", "conv2d_s16"]


def test_what_only_moves_values_is_as_wide_as_its_input() -> None:
    net = Net()
    a = net.conv(net.input("x", SHAPE), "a", 8, pad=1)
    b = net.node("reshape", [a], "flat", (1, 288))
    graph = net.graph(net.dense(net.node("sigmoid_f32", [b], "s", (1, 288)), "y", 3))
    found = made(graph, Recipe(layer=(Layer("y.node", "w8a16"),)))
    assert ops(found) == ["conv2d_s8", "reshape", "requantize_s16", "lookup_s16", "fully_connected_s16"]


def test_a_constant_of_a_wide_operator_is_int16() -> None:
    net = Net()
    x = net.conv(net.input("x", SHAPE), "a", 8, pad=1)
    graph = net.graph(net.node("mul_f32", [x, net.constant("c", np.linspace(0.5, 2, 8).astype(np.float32))], "y", SHAPE, **OPEN))
    found = made(graph)
    assert ops(found) == ["conv2d_s16", "mul_s16"] and found.graph.tensors["c"].dtype == "s16"


def test_what_has_no_int16_form_computes_in_int8_and_that_is_said() -> None:
    net = Net()
    a = net.conv(net.input("x", SHAPE), "a", 8, pad=1)
    b = net.node("softmax_f32", [a], "b", SHAPE)
    found = made(net.graph(net.conv(b, "c", 4)))
    assert ops(found) == ["conv2d_s16", "requantize_s16", "softmax_s8", "requantize_s16", "conv2d_s16"]
    assert found.warnings == ("b.node (softmax) between int16 activations: there is no int16 form, so int8 is made of them there",)


def test_bytes_of_a_camera_are_widened_exactly() -> None:
    byte = Quant(np.array([1 / 64]), np.array([-128]))
    graph = chain(byte, "u8")
    frames = [[np.random.default_rng(i).integers(0, 256, SHAPE).astype(np.uint8)] for i in range(64)]
    found = quantize_reported(graph, frames, WIDE)
    assert ops(found) == ["requantize_s16", "conv2d_s16", "conv2d_s16", "conv2d_s16"]
    session, wide_input = Session(found.graph, keep_all=True), found.graph.nodes[0].outputs[0]
    session.run(*frames[0])
    given = found.graph.tensors[wide_input].quant
    assert given is not None
    wanted = frames[0][0].astype(np.float64) / 64
    assert np.abs(session.tensor(wide_input) * given.scale[0] - wanted).max() <= 0.51 * given.scale[0]


def test_an_output_of_bytes_is_made_int8() -> None:
    graph = chain()
    graph.outputs[0] = replace(graph.outputs[0], dtype="u8")
    graph.tensors["c"] = replace(graph.tensors["c"], quant=Quant(np.array([0.05]), np.array([-128])))
    found = made(graph)
    assert ops(found) == ["conv2d_s16", "conv2d_s16", "conv2d_s16", "requantize_s16"]
    assert found.graph.tensors[found.graph.outputs[0].tensor].dtype == "s8"


@pytest.mark.parametrize("bits", range(1, 9))
def test_weights_of_every_width_go_with_int16(bits: int) -> None:
    graph = chain()
    found = made(graph, Recipe(precision=f"w{bits}a16", int8_ends=False))
    assert ops(found) == ["conv2d_s16"] * 3
    real = with_int8_weights(graph, found.graph)  # whose values may leave the range that the float weights gave
    output = found.graph.tensors["c"].quant
    assert output is not None and np.median(errors(real, found.graph, samples(graph, 8))) <= 2 * float(output.scale[0])


@pytest.mark.parametrize("prefix", ["float", "quantized"])
def test_gptq_sees_what_layers_of_int16_read(prefix: str) -> None:
    graph, found = chain(), []
    for steps in ((), (Step("gptq", {"prefix": prefix}),)):
        quantized = made(graph, Recipe(precision="w3a16", int8_ends=False, step=steps))
        found.append(float((errors(graph, quantized.graph, samples(graph, 8)) ** 2).mean()))
    assert found[1] < found[0] / 2


def test_groups_of_weights_are_refused_where_a_layer_asks_for_them() -> None:
    net = Net()
    graph = net.graph(net.dense(net.input("x", (1, 128)), "y", 9))
    with pytest.raises(UsageError, match=r"y.node has no groups of 64: it reads activations of 16 bits"):
        made(graph, Recipe(layer=(Layer("y.node", "w4a16", 64),)))
    assert ops(made(graph, Recipe(precision="w4a16", group=64, int8_ends=False))) == ["fully_connected_s16"]


def test_a_source_of_int8_keeps_its_weights_but_not_a_zero_point_of_them() -> None:
    for zero, kept in ((0, True), (5, False)):
        net = Net()
        w = np.random.default_rng(1).integers(-100, 100, (9, 40)).astype(np.int8)
        names = [net.input("x", (2, 40)), net.constant("w", w, Quant(np.array([0.01]), np.array([zero]))), net.constant("b", net.normal(9))]
        graph = net.graph(net.node("fully_connected_f32", names, "y", (2, 9), **OPEN))
        found = made(graph)
        held = next(t for t in found.graph.tensors.values() if t.data is not None and t.shape == w.shape)
        assert held.data is not None and np.array_equal(held.data, w) == kept
        output = found.graph.tensors["y"].quant
        assert output is not None
        assert errors(with_int8_weights(graph, found.graph), found.graph, samples(graph, 8)).max() <= 2 * float(output.scale[0])


def test_a_channel_of_tiny_weights_keeps_a_factor_that_shifts_can_say() -> None:
    graph = chain()
    weight = graph.tensors["b.w"].data
    assert weight is not None
    weight[3] = 1e-12
    bias = graph.tensors["b.b"].data
    assert bias is not None
    bias[3] = 0
    found = made(graph)
    node = found.graph.nodes[1]
    _, m, n = rounding.unpack_rq(np.asarray(found.graph.tensors[node.inputs[2]].data))
    assert m.min() >= 1 << 30 and n.max() <= 31
    w = found.graph.tensors[node.inputs[1]].data
    assert w is not None and not w[3].any()


def test_sums_beyond_32_bits_are_exact() -> None:
    net = Net()
    weight = net.constant("w", np.full((3, 2000), 1.0, np.float32))
    graph = net.graph(
        net.node(
            "fully_connected_f32", [net.input("x", (1, 2000)), weight, net.constant("b", np.zeros(3, np.float32))], "y", (1, 3), **OPEN
        )
    )
    inputs = [[np.full((1, 2000), v, np.float32)] for v in np.linspace(-1, 1, 64)]
    found = quantize_reported(graph, inputs, WIDE)
    output = found.graph.tensors["y"].quant
    assert output is not None and 2000 * 127 * 32767 > 1 << 31
    assert errors(graph, found.graph, inputs).max() <= 1.5 * float(output.scale[0])
