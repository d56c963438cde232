from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgeq_host.graph import Graph
from edgeq_host.quant import quantize
from edgeq_host.recipe import Recipe
from edgeq_host.session import Session
from tests.quant.graphs import OPEN, WINDOW, Net, samples
from tests.quant.networks import with_int8_weights

SHAPE = (1, 10, 10, 4)
PADS = dict.fromkeys(("pad_top", "pad_left", "pad_bottom", "pad_right"), 1)
STEP = {"stride_h": 2, "stride_w": 2, "dilation_h": 2, "dilation_w": 2}


def net(op: str, weight: tuple[int, ...], output: tuple[int, ...], **attrs: Any) -> Graph:
    """Weights of one size in every channel but for one far larger, so that the small ones are rounded badly; inputs with a mean."""
    net = Net()
    x = net.node("add_f32", [net.input("in", SHAPE), net.constant("mean", np.array([3, -2, 5, 1], np.float32))], "x", SHAPE, **OPEN)
    w = net.normal(*weight)
    w.reshape(-1)[:: w.size // (2 * output[-1])] *= 40
    w, b = net.constant("w", w), net.constant("b", net.normal(output[-1]))
    return net.graph(net.node(op, [x, w, b], "y", output, **attrs, **OPEN))


CASES = {
    "1x1": net("conv2d_f32", (6, 1, 1, 4), (1, 10, 10, 6), **WINDOW, groups=1),
    "padded": net("conv2d_f32", (6, 3, 3, 4), (1, 10, 10, 6), **(WINDOW | PADS), groups=1),
    "stride and dilation": net("conv2d_f32", (6, 3, 3, 4), (1, 4, 4, 6), **(WINDOW | PADS | STEP), groups=1),
    "groups": net("conv2d_f32", (6, 3, 3, 2), (1, 8, 8, 6), **WINDOW, groups=2),
    "depthwise": net("depthwise_conv2d_f32", (3, 3, 8), (1, 10, 10, 8), **(WINDOW | PADS)),
    "fully connected": net("fully_connected_f32", (6, 4), (1, 10, 10, 6)),
}


def mean_errors(graph: Graph, corrected: bool) -> np.ndarray:
    """Of every output channel, caused by weights and bias alone."""
    inputs = samples(graph, 200)
    mixed = with_int8_weights(graph, quantize(graph, inputs, Recipe(step=None if corrected else ())))
    real, rounded = Session(graph), Session(mixed)
    errors = [rounded.run(*s)[0].astype(np.float64) - real.run(*s)[0] for s in inputs]
    return np.abs(np.mean(errors, axis=(0, 1, 2, 3)))


@pytest.mark.parametrize("name", CASES)
def test_rounded_weights_shift_no_channel_in_the_mean(name: str) -> None:
    before, after = mean_errors(CASES[name], False), mean_errors(CASES[name], True)
    assert after.max() < 0.05 * before.max()


def test_weights_of_the_source_are_left_alone() -> None:
    graph = CASES["1x1"].copy()
    int8 = quantize(graph, samples(graph, 64), Recipe(step=()))
    graph.tensors["w"] = int8.tensors["w"]
    kept = [quantize(graph, samples(graph, 64), Recipe(step=s)) for s in ((), None)]
    rq = [g.tensors[g.nodes[-1].inputs[2]].data for g in kept]
    assert np.array_equal(*rq)
