"""What calibration shows of layers: sums and products of inputs, against every output by hand; in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from edgeq_host.graph import Array, Graph
from edgeq_host.quant import quantize_reported, seen, window
from edgeq_host.quant.affine import affine
from edgeq_host.quant.build import Build
from edgeq_host.quant.seen import Collector, Moments
from edgeq_host.recipe import Recipe, Step
from edgeq_host.session import Session
from tests.quant.graphs import OPEN, WINDOW, Net, residual, samples

SHAPE = (1, 7, 6, 4)
PADS = {"pad_top": 1, "pad_left": 2, "pad_bottom": 0, "pad_right": 1}
STEP = {"stride_h": 2, "stride_w": 1, "dilation_h": 1, "dilation_w": 2}
TURNED = {key: value for key, value in (WINDOW | PADS).items() if key not in ("pad_bottom", "pad_right")}


def net(op: str, weight: tuple[int, ...], output: tuple[int, ...], **attrs: Any) -> Graph:
    net = Net()
    w = net.constant("w", net.normal(*weight))
    channels = [] if op == "matmul_f32" else [net.constant("b", net.normal(output[-1]))]
    return net.graph(net.node(op, [net.input("x", SHAPE), w, *channels], "y", output, **attrs, **OPEN))


CASES = {
    "1x1": net("conv2d_f32", (6, 1, 1, 4), (1, 7, 6, 6), **WINDOW, groups=1),
    "padded": net("conv2d_f32", (6, 3, 2, 4), (1, 6, 8, 6), **(WINDOW | PADS), groups=1),
    "stride and dilation": net("conv2d_f32", (6, 3, 2, 4), (1, 3, 7, 6), **(WINDOW | PADS | STEP), groups=1),
    "groups": net("conv2d_f32", (6, 3, 3, 2), (1, 5, 4, 6), **WINDOW, groups=2),
    "depthwise": net("depthwise_conv2d_f32", (3, 3, 4), (1, 5, 4, 4), **WINDOW),
    "depthwise with a multiplier": net("depthwise_conv2d_f32", (3, 2, 8), (1, 6, 8, 8), **(WINDOW | PADS)),
    "transposed": net("transpose_conv2d_f32", (6, 3, 3, 4), (1, 14, 12, 6), **(TURNED | {"stride_h": 2, "stride_w": 2}), groups=1),
    "transposed groups": net("transpose_conv2d_f32", (6, 3, 3, 2), (1, 8, 6, 6), **TURNED, groups=2),
    "fully connected": net("fully_connected_f32", (6, 4), (1, 7, 6, 6)),
    "matrix product": net("matmul_f32", (4, 6), (1, 7, 6, 6)),
}


def collector(graph: Graph, inputs: list[list[Array]]) -> Collector:
    build = Build(graph, {t.name: affine(-3, 3.5) for t in graph.tensors.values() if t.data is None})
    return Collector(build, inputs, graph.nodes)


def columns(node_op: str, w: Array) -> Array:
    """Weights as rows of output channels, inputs tap after tap."""
    if node_op == "depthwise_conv2d_f32":
        return np.moveaxis(w, 2, 0).reshape(w.shape[2], -1)
    return w.T if node_op == "matmul_f32" else w.reshape(len(w), -1)


@pytest.mark.parametrize("name", CASES)
def test_patches_times_weights_are_the_layer(name: str) -> None:
    graph = CASES[name]
    node, x = graph.nodes[0], samples(graph, 1)[0][0]
    y = Session(graph).run(x)[0].reshape(-1, graph.tensors["y"].shape[-1])
    w = columns(node.op, graph.tensors["w"].data.astype(np.float64))
    rows = np.concatenate(list(window.patches(graph, node, x.astype(np.float64))), axis=1)
    per = len(w) // len(rows)
    found = np.concatenate([rows[g] @ w[g * per : (g + 1) * per].T for g in range(len(rows))], axis=1)
    bias = 0 if node.op == "matmul_f32" else graph.tensors["b"].data
    assert np.abs(found + bias - y).max() < 1e-4


@pytest.mark.parametrize("name", CASES)
def test_moments_are_sums_of_whole_numbers_over_all_samples_and_chunks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, inputs = CASES[name], samples(CASES[name], 5)
    node, at = graph.nodes[0], affine(-3, 3.5)
    rows = [next(window.patches(graph, node, at.quantize(x).astype(np.float64) - at.zero)) for (x,) in inputs]
    every = np.concatenate(rows, axis=1)
    monkeypatch.setattr(window, "_CHUNK", 50)
    found = collector(graph, inputs).moments(node, "float")
    assert found.count == every.shape[1] and found.matrices == len(every)
    assert np.array_equal(found.products[0], np.einsum("gpk,gpl->gkl", every, every))
    ((part, h),) = found.of(0)
    assert part == slice(0, every.shape[2]) and np.array_equal(h, found.products[0][0])


def test_wide_layers_have_products_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, inputs = CASES["padded"], samples(CASES["padded"], 2)
    whole = collector(graph, inputs).moments(graph.nodes[0], "float")
    monkeypatch.setattr(seen, "COLUMNS_MAX", 10)
    parts = collector(graph, inputs).moments(graph.nodes[0], "float")
    assert [p.shape for p in parts.products] == [(1, 10, 10), (1, 10, 10), (1, 4, 4)]
    for part, h in parts.of(0):
        assert np.array_equal(h, whole.products[0][0][part, part])


class Passes:
    """Samples that count how often they are gone through."""

    def __init__(self, inputs: list[list[Array]]) -> None:
        self.inputs, self.count = inputs, 0

    def __iter__(self) -> Iterator[list[Array]]:
        self.count += 1
        return iter(self.inputs)


def test_products_that_fit_together_take_one_pass_and_others_one_each(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = residual()
    low = Recipe("w4a8", int8_ends=False)
    passes = Passes(samples(graph, 4))
    plain = quantize_reported(graph, passes, low).graph
    assert passes.count == 2  # ranges and means; products of all three layers
    monkeypatch.setattr(seen, "BATCH_BYTES", 1)
    again = Passes(samples(graph, 4))
    found = quantize_reported(graph, again, low).graph
    assert again.count == 4
    assert all(np.array_equal(t.data, found.tensors[n].data) for n, t in plain.tensors.items() if t.data is not None)


def test_int8_takes_one_pass_and_steps_without_samples_none_more() -> None:
    graph = residual()
    for recipe in (Recipe(), Recipe("w4a8", step=(Step("mse"), Step("bias_correction")))):
        passes = Passes(samples(graph, 4))
        quantize_reported(graph, passes, recipe)
        assert passes.count == 1


def test_behind_a_quantized_prefix_the_inputs_are_the_integers_that_the_layer_reads() -> None:
    graph, inputs = residual(), samples(residual(), 4)
    seen_by: dict[str, Moments] = {}
    original = Collector.moments

    def moments(self: Collector, node: Any, prefix: str) -> Moments:
        seen_by[node.outputs[0]] = found = original(self, node, prefix)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Collector, "moments", moments)
        made = quantize_reported(graph, inputs, Recipe("w4a8", int8_ends=False, step=(Step("gptq", {"prefix": "quantized"}),))).graph
    session = Session(made, keep_all=True)
    assert set(seen_by) == {"a", "b", "d"}
    middle = seen_by["b"].products[0][0].reshape(3, 3, 8, 3, 3, 8)[1, 1, :, 1, 1]  # the middle tap sees every input
    assert np.array_equal(middle, sum(_products(session, made, s) for s in inputs))


def _products(session: Session, made: Graph, sample: list[Array]) -> Array:
    session.run(*sample)
    rows = session.tensor("a").astype(np.int64).reshape(-1, 8) - int(made.tensors["a"].quant.zero[0])
    return rows.T @ rows


def test_samples_that_can_be_read_once_are_kept() -> None:
    graph = residual()
    once = quantize_reported(graph, iter(samples(graph, 4)), Recipe("w4a8")).graph
    often = quantize_reported(graph, samples(graph, 4), Recipe("w4a8")).graph
    assert all(np.array_equal(t.data, often.tensors[n].data) for n, t in once.tensors.items() if t.data is not None)
