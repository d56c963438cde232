"""Activations of 1 bit for a float network: what stands for them, which layers read them, and that every machine computes the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq_host.errors import UsageError
from edgeq_host.graph import Array, Graph, signs_quant
from edgeq_host.importers import load
from edgeq_host.quant import quantize, quantize_reported, wants_samples
from edgeq_host.quant.binarize import binarized
from edgeq_host.recipe import Layer, Recipe, Step
from edgeq_host.selftest import to_inner
from edgeq_host.session import Session
from tests.core import isa_masks
from tests.quant.graphs import RELU, WINDOW, Net, residual, samples
from tests.reference import run_graph


def _three(pad: int = 0, groups: int = 1) -> tuple[Graph, list[list[Array]]]:
    """Three convolutions, the middle one of which is neither first nor last."""
    net = Net(3)
    x = net.conv(net.input("x", (1, 9, 9, 3)), "a", 40)
    w = net.constant("b.w", net.normal(24, 3, 3, 40 // groups) / np.float32(20))
    attrs = {**WINDOW, **dict.fromkeys(("pad_top", "pad_left", "pad_bottom", "pad_right"), pad), "groups": groups, **RELU}
    size = 5 + 2 * pad
    x = net.node("conv2d_f32", [x, w, net.constant("b.b", net.normal(24))], "b", (1, size, size, 24), **attrs)
    graph = net.graph(net.conv(x, "c", 5))
    return graph, samples(graph, 64)


def _held_everywhere(graph: Graph, data: list[list[Array]]) -> None:
    """Every activation is that of the numpy reference, on every subset of instruction sets."""
    sessions = [Session(graph, keep_all=True, isas=mask) for mask in isa_masks()]
    for sample in data[:2]:
        wanted = run_graph(graph, {e.tensor: to_inner(graph, e, x) for e, x in zip(graph.inputs, sample, strict=True)})
        for session in sessions:
            session.run(*sample)
            assert all(np.array_equal(wanted[n], session.tensor(n)) for n in session.names())


def test_a_channel_is_the_mean_of_what_lies_above_its_mean_or_below() -> None:
    graph, data = _three()
    layer = next(n for n in graph.nodes if n.outputs[0] == "b")
    made = binarized(graph, [layer], data)
    sign, middle = next(n for n in made.nodes if n.op == "sign_f32"), next(n for n in made.nodes if n.outputs[0] == "b")
    assert sign.inputs[0] == "a" and middle.inputs[0] == sign.outputs[0]
    session = Session(graph, keep_all=True)
    seen = np.concatenate([(session.run(*s), session.tensor("a"))[1].reshape(-1, 40) for s in data]).astype(np.float64)
    above = seen >= seen.mean(axis=0)
    high, low = (np.where(rows.any(axis=0), (seen * rows).sum(axis=0) / rows.sum(axis=0).clip(1), 0) for rows in (above, ~above))
    np.testing.assert_allclose(made.tensors[sign.inputs[1]].data, seen.mean(axis=0), rtol=1e-6)
    stood_for = np.where(above, high, low).reshape(len(data), 7, 7, 40)
    after = Session(made, keep_all=True)
    w, b = (graph.tensors[i].real().astype(np.float64) for i in layer.inputs[1:])
    for i, sample in enumerate(data[:5]):
        after.run(*sample)
        wanted = sum(stood_for[i, y : y + 5, x : x + 5] @ w[:, y, x].T for y in range(3) for x in range(3)) + b
        np.testing.assert_allclose(after.tensor("b")[0], np.maximum(wanted, 0), atol=2e-5)


@pytest.mark.parametrize("pad", [0, 1])
@pytest.mark.parametrize("precision", ["binary", "w4a1", "w8a1"])
def test_every_instruction_set_gives_the_integers_of_the_reference(precision: str, pad: int) -> None:
    graph, data = _three(pad)
    made = quantize_reported(graph, data, Recipe(precision))
    bits = precision == "binary"
    assert [n.op for n in made.graph.nodes if n.outputs[0] == "b"] == ["conv2d_b1" if bits else "conv2d_s8"]
    stored = {"binary": "b1", "w4a1": "s4", "w8a1": "s8"}[precision]
    assert made.graph.tensors[next(n for n in made.graph.nodes if n.outputs[0] == "b").inputs[1]].dtype == stored
    assert not made.islands and "was not trained with" in made.warnings[0]
    assert any("multiplied as int8 is" in w for w in made.warnings) == (precision != "binary")
    _held_everywhere(made.graph, data)


def test_a_convolution_in_groups_reads_int8_which_is_said_and_a_layer_that_asks_for_signs_is_refused() -> None:
    graph, data = _three(1, groups=2)
    made = quantize_reported(graph, data, Recipe("binary"))
    assert [n.op for n in made.graph.nodes] == ["conv2d_s8", "conv2d_s8", "conv2d_s8"]
    assert "in 1 layer of binary int8 is read: depthwise and transposed convolutions, and those in groups" in made.warnings[0]
    _held_everywhere(made.graph, data)
    with pytest.raises(UsageError, match=r"gives b\.node activations of 1 bit: .*those in groups"):
        quantize_reported(graph, data, Recipe(layer=(Layer("b.node", "w1a1"),)))


def test_a_convolution_in_groups_of_a_source_with_signs_is_said_to_have_no_kernel_of_signs() -> None:
    net = Net(4)
    x = net.conv(net.input("x", (1, 9, 9, 3)), "a", 40, lo=-np.inf)
    x = net.node(
        "sign_f32", [x, net.constant("t", np.zeros(1, np.float32))], "s", (1, 7, 7, 40), signs_quant(1.0, -1.0), plus=1.0, minus=-1.0
    )
    w = net.constant("b.w", np.sign(net.normal(24, 3, 3, 20)))
    x = net.node("conv2d_f32", [x, w, net.constant("b.b", net.normal(24))], "b", (1, 5, 5, 24), **{**WINDOW, "groups": 2, **RELU})
    graph = net.graph(net.conv(x, "c", 5))
    data = samples(graph, 64)
    made = quantize_reported(graph, data, Recipe())
    assert any("in 1 layer of int8 signs are multiplied as int8 is: convolutions in groups" in w for w in made.warnings)
    _held_everywhere(made.graph, data)


def test_a_layer_before_signs_makes_bits_by_thresholds_through_its_relu() -> None:
    """Two layers of signs in a row: the first one's sums end in bits; they are those that the float arithmetic of the same weights has."""
    net = Net(5)
    x = net.conv(net.input("x", (1, 8, 8, 3)), "a", 32)
    x = net.conv(net.conv(x, "b", 64), "c", 32)
    graph = net.graph(net.conv(x, "d", 4, size=1))
    data = samples(graph, 64)
    made = quantize(graph, data, Recipe("binary", step=()))
    ops = {n.outputs[0]: n for n in made.nodes}
    assert ops["b/signs/bits"].op == ops["c"].op == "conv2d_b1" and "unpack_s8" not in {n.op for n in made.nodes}
    real = binarized(graph, [n for n in graph.nodes if n.outputs[0] in ("b", "c")], data)
    layer, sign = (next(n for n in real.nodes if n.outputs[0] == name) for name in ("b", "b/signs"))
    bias, t = real.tensors[layer.inputs[2]].real().astype(np.float64), np.asarray(real.tensors[sign.inputs[1]].data, np.float64)
    session, w = Session(made, keep_all=True), made.tensors[ops["b/signs/bits"].inputs[1]]
    assert w.data is not None and w.quant is not None
    weights = w.data * w.quant.scale[:, None, None, None]
    for sample in data[:5]:
        session.run(*sample)
        signs = session.tensor("a/signs/bits")[0].astype(np.float64)
        sums = sum(signs[y : y + 4, x : x + 4] @ weights[:, y, x].T for y in range(3) for x in range(3)) + bias
        np.testing.assert_array_equal(session.tensor("b/signs/bits")[0], np.where(np.maximum(sums, 0) >= t, 1, -1))


def test_a_sum_reads_the_activation_and_the_layer_its_signs() -> None:
    graph = residual()
    data = samples(graph, 64)
    made = quantize(graph, data, Recipe("binary"))
    ops = {n.outputs[0]: n for n in made.nodes}
    assert ops["b"].op == "conv2d_b1" and ops["b"].inputs[0] == "a/signs/bits" and "a" in ops["s"].inputs
    _held_everywhere(made, data)


def test_samples_are_wanted_and_their_lack_is_said() -> None:
    graph, _ = _three()
    assert wants_samples(graph, Recipe("binary"))
    with pytest.raises(UsageError, match="activations of 1 bit need calibration samples") as error:
        quantize(graph, None, Recipe("binary"))
    assert "--calibration" in error.value.hint


def test_an_activation_that_is_always_the_same_is_its_value() -> None:
    graph, data = _three()
    w, b = graph.tensors["a.w"], graph.tensors["a.b"]
    assert w.data is not None and b.data is not None
    w.data[:20], b.data[:20] = 0, -1
    made = quantize(graph, data, Recipe("binary"))
    _held_everywhere(made, data)


@pytest.mark.parametrize("precision", ["binary", "w4a1"])
def test_a_single_layer_reads_signs_where_a_recipe_says_so(precision: str) -> None:
    graph, data = _three()
    made = quantize_reported(graph, data, Recipe("w4a8", layer=(Layer("b.node", precision),)))
    assert {n.op for n in made.graph.nodes} == {"conv2d_s8", "sign_b1"} | ({"conv2d_b1"} if precision == "binary" else {"unpack_s8"})
    assert "in 1 layer of w4a8 signs are read" in made.warnings[0]


def test_gptq_behind_the_layers_so_far_takes_signs_as_they_are() -> None:
    graph, data = _three()
    made = quantize(graph, data, Recipe("binary", step=(Step("gptq", {"prefix": "quantized"}),)))
    assert "unpack_s8" not in {n.op for n in made.nodes}
    _held_everywhere(made, data)


def test_depthwise_layers_read_int8_and_an_explicit_wish_is_refused(assets: Path) -> None:
    graph = load(assets / "models" / "kws_ref_model_float32.tflite")
    random = np.random.default_rng(1)
    data = [[random.normal(0, 20, e.shape).astype(np.float32) for e in graph.inputs] for _ in range(8)]
    made = quantize_reported(graph, data, Recipe("binary"))
    assert [n.op for n in made.graph.nodes].count("conv2d_b1") == 4
    assert any("in 4 layers of binary int8 is read: depthwise" in w for w in made.warnings)
    name = next(n.name for n in graph.nodes if n.op == "depthwise_conv2d_f32")
    for precision, hint in (("w4a1", "w4a8"), ("w8a1", "w8a8")):
        with pytest.raises(UsageError, match="activations of 1 bit: depthwise") as error:
            quantize(graph, data, Recipe(layer=(Layer(name, precision),)))
        assert hint in error.value.hint
