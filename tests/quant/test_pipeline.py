from __future__ import annotations

import numpy as np
import pytest

from edgeq_host.errors import ModelError, UnsupportedError, UsageError
from edgeq_host.export import Bundle, Variant, to_bytes
from edgeq_host.graph import Graph, Quant
from edgeq_host.quant import quantize, quantize_reported
from edgeq_host.quant.calibrators import METHODS
from edgeq_host.quant.constraints import groups
from edgeq_host.recipe import Recipe
from edgeq_host.selftest import to_inner
from edgeq_host.session import Session
from edgeq_runtime import native
from tests.quant.graphs import OPEN, RELU, WINDOW, Net, residual, samples, scale
from tests.reference import run_graph

POOL = {"kernel_h": 2, "kernel_w": 2} | WINDOW | {"stride_h": 2, "stride_w": 2}


def written(graph: Graph) -> bytes:
    return to_bytes(Bundle("net", [Variant("int8", graph)]))


def test_concat_and_pooling_share_one_quantization_with_what_they_read() -> None:
    found = {frozenset(g.members) for g in groups(residual())}
    assert frozenset({"s", "a", "c", "p"}) in found


def test_a_shared_range_holds_every_source() -> None:
    graph = residual()
    inputs = samples(graph, 64)
    int8 = quantize(graph, inputs, Recipe())
    session, high = Session(graph, keep_all=True), 0.0
    for sample in inputs:
        session.run(*sample)
        high = max(high, *(float(session.tensor(n).max()) for n in ("a", "s")))
    shared = int8.tensors["a"].quant
    assert all(int8.tensors[n].quant.scale[0] == shared.scale[0] for n in ("s", "c", "p"))
    assert shared.scale[0] == pytest.approx(high / 255, rel=1e-6) and shared.zero[0] == -128
    assert not any(n.op == "requantize_s8" for n in int8.nodes)


@pytest.mark.parametrize(("op", "step", "zero"), [("softmax_f32", 1 / 256, -128), ("sigmoid_f32", 1 / 256, -128), ("tanh_f32", 1 / 128, 0)])
def test_functions_with_a_known_range_have_a_fixed_quantization(op: str, step: float, zero: int) -> None:
    net = Net()
    graph = net.graph(net.node(op, [net.input("x", (1, 10))], "y", (1, 10)))
    quant = quantize(graph, samples(graph, 64), Recipe()).tensors["y"].quant
    assert (quant.scale[0], quant.zero[0]) == (step, zero)


def test_softmax_beside_something_wider_is_rescaled() -> None:
    net = Net()
    x = net.input("x", (1, 10))
    graph = net.graph(net.node("concat", [net.node("softmax_f32", [x], "s", (1, 10)), x], "y", (1, 20), axis=1))
    int8 = quantize(graph, samples(graph, 64), Recipe())
    assert [n.op for n in int8.nodes] == ["softmax_s8", "requantize_s8", "concat"]


def test_what_a_clip_cuts_away_does_not_widen_the_range() -> None:
    net = Net()
    x = net.conv(net.input("x", (1, 6, 6, 3)), "a", 8, **OPEN)
    graph = net.graph(net.node("clip_f32", [x], "y", (1, 4, 4, 8), lo=0.0, hi=0.5))
    quant = quantize(graph, samples(graph, 64), Recipe()).tensors["a"].quant
    assert quant.scale[0] == pytest.approx(0.5 / 255)


@pytest.mark.parametrize("method", METHODS)
def test_numpy_and_c_give_the_same_integers_for_a_whole_network(method: str) -> None:
    graph = residual()
    int8 = quantize(graph, samples(graph, 64), Recipe(calibrator=method))
    session = Session(int8, keep_all=True)
    for sample in samples(graph, 5, seed=9):
        session.run(*sample)
        inner = {e.tensor: to_inner(int8, e, x) for e, x in zip(int8.inputs, sample, strict=True)}
        for name, value in run_graph(int8, inner).items():
            if int8.tensors[name].data is None:
                assert np.array_equal(value, session.tensor(name)), name


@pytest.mark.parametrize("method", METHODS)
def test_every_instruction_set_gives_the_same_file(method: str) -> None:
    graph = residual()
    inputs = samples(graph, 64)
    portable = native.isa_mask("portable")
    files = {written(quantize_reported(graph, inputs, Recipe(calibrator=method), isas).graph) for isas in (None, portable)}
    assert len(files) == 1


def test_the_same_samples_give_the_same_file_twice() -> None:
    graph = residual()
    assert written(quantize(graph, samples(graph, 64), Recipe())) == written(quantize(residual(), iter(samples(graph, 64)), Recipe()))


def test_the_float_graph_is_not_changed() -> None:
    graph = residual()
    before = written(graph)
    quantize(graph, samples(graph, 64), Recipe())
    assert written(graph) == before


def test_few_samples_are_warned_about() -> None:
    graph = residual()
    assert "63 calibration samples" in quantize_reported(graph, samples(graph, 63), Recipe()).warnings[0]
    assert not quantize_reported(graph, samples(graph, 64)[::-1] * 5, Recipe()).warnings


def test_a_range_that_still_grows_at_the_end_is_warned_about() -> None:
    graph = residual()
    inputs = samples(graph, 100)
    quiet = [[x / 2 for x in sample] for sample in inputs]
    early, late = ([*quiet[:i], *inputs[i : i + 1], *quiet[i + 1 :]] for i in (20, 90))
    assert "last fifth" in quantize_reported(graph, late, Recipe()).warnings[0]
    assert not quantize_reported(graph, early, Recipe()).warnings


def test_another_precision_than_int8_is_refused() -> None:
    graph = residual()
    with pytest.raises(UsageError, match="float32"):
        quantize(graph, samples(graph, 64), Recipe(precision="float32"))


def test_a_float_model_without_samples_names_the_flag() -> None:
    with pytest.raises(UsageError) as error:
        quantize(residual(), None, Recipe())
    assert "--calibration" in error.value.hint


def test_no_samples_at_all_are_an_error() -> None:
    with pytest.raises(ModelError, match="no samples"):
        quantize(residual(), [], Recipe())


def test_values_that_are_not_finite_name_sample_and_tensor() -> None:
    graph = residual()
    inputs = samples(graph, 3)
    inputs[2][0][0, 0, 0, 0] = np.nan
    with pytest.raises(ModelError, match=r"sample 2 .* x"):
        quantize(graph, inputs, Recipe())


def annotated(pool_out: Quant, other: Quant) -> Graph:
    """As an int8 source has it: every activation with a scale, two of them different around a pool and a concat."""
    net = Net()
    x = net.input("x", (1, 4, 4, 2), scale(0.05, -3))
    p = net.node("avg_pool2d_f32", [x], "p", (1, 2, 2, 2), pool_out, **POOL, include_pad=0, **OPEN)
    m = net.node("max_pool2d_f32", [x], "m", (1, 2, 2, 2), other, **POOL, **RELU)
    return net.graph(net.node("concat", [p, m], "y", (1, 2, 2, 4), scale(0.04, 5), axis=3))


def test_a_quantized_source_needs_no_samples_and_keeps_its_scales() -> None:
    graph = annotated(scale(0.03, 1), scale(0.02, 2))
    found = quantize_reported(graph, None, Recipe())
    assert not found.islands and found.samples == 0
    for name in ("x", "p", "m", "y"):
        assert found.graph.tensors[name].quant.scale[0] == np.float32(graph.tensors[name].quant.scale[0])
    ops = [n.op for n in found.graph.nodes]
    assert ops == ["avg_pool2d_s8", "requantize_s8", "max_pool2d_s8", "requantize_s8", "requantize_s8", "concat"]
    assert len(found.graph.nodes[0].inputs) == 2  # the pool rescales itself
    sample = samples(graph, 1)[0]
    assert np.abs(Session(found.graph).run(*sample)[0] - np.clip(Session(graph).run(*sample)[0], -5.32, 4.88)).max() < 0.1


def test_equal_scales_in_the_source_need_no_rescaling() -> None:
    graph = annotated(scale(0.04, 5), scale(0.04, 5))
    graph.tensors["x"] = graph.tensors["y"].__class__("x", (1, 4, 4, 2), "f32", None, scale(0.04, 5))
    assert [n.op for n in quantize(graph, None, Recipe()).nodes] == ["avg_pool2d_s8", "max_pool2d_s8", "concat"]


def test_what_a_quantized_source_leaves_open_is_float_without_samples_and_int8_with() -> None:
    net = Net()
    x = net.input("x", (1, 8), scale(0.02, 0))
    t = net.node("tanh_f32", [x], "t", (1, 8), scale(1 / 128))
    graph = net.graph(net.dense(t, "y", 4))
    assert [i.op for i in quantize_reported(graph, None, Recipe()).islands] == ["fully_connected_f32"]
    assert not quantize_reported(graph, samples(graph, 64), Recipe()).islands


def test_activations_quantized_per_channel_are_refused_with_the_reason() -> None:
    net = Net()
    x = net.input("x", (1, 4, 4, 2), Quant(np.array([0.1, 0.2]), np.zeros(2, np.int64), 3))
    with pytest.raises(UnsupportedError, match="per channel") as error:
        quantize(net.graph(net.conv(x, "y", 4)), None, Recipe())
    assert "per tensor" in error.value.hint


def test_indices_pass_through() -> None:
    net = Net()
    x = net.input("x", (1, 4, 4, 2))
    rows = net.constant("rows", np.array([0, 3], np.int32))
    graph = net.graph(net.node("resize_nearest", [x, rows, rows], "y", (1, 2, 2, 2)))
    int8 = quantize(graph, samples(graph, 64), Recipe())
    assert int8.tensors["rows"].dtype == "s32"
