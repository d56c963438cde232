"""Activations of 4 and 2 bits: every operator keeps to their levels, and numpy and C agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq_host.graph import Edge, Graph, Node, Tensor
from edgeq_host.quant import quantize_reported
from edgeq_host.quant.affine import Affine, affine, narrowed
from edgeq_host.quant.widths import widths
from edgeq_host.recipe import Recipe
from edgeq_host.selftest import to_inner
from edgeq_host.session import Session
from tests.quant.graphs import OPEN, Net, samples
from tests.quant.test_rules import CASES
from tests.reference import run_graph


def inside(graph: Graph) -> Graph:
    """The graph with a product before each input and a layer behind its output: its own activations are then none of the edges."""
    graph = graph.copy()
    edges = []
    for edge in graph.inputs:
        outer, one = f"{edge.tensor}/outer", f"{edge.tensor}/one"
        graph.tensors[outer] = replace(graph.tensors[edge.tensor], name=outer)
        graph.tensors[one] = Tensor(one, (1,), "f32", np.ones(1, np.float32))
        graph.nodes.insert(0, Node("mul_f32", f"{outer}/mul", (outer, one), (edge.tensor,), OPEN))
        edges.append(replace(edge, tensor=outer))
    last = graph.outputs[0].tensor
    count = int(np.prod(graph.tensors[last].shape))
    random = np.random.default_rng(5)
    for name, shape in (("flat", (1, count)), ("end", (1, 4))):
        graph.tensors[name] = Tensor(name, shape, "f32")
    for name, data in (("end.w", random.normal(size=(4, count))), ("end.b", random.normal(size=4))):
        graph.tensors[name] = Tensor(name, data.shape, "f32", data.astype(np.float32))
    graph.nodes += [
        Node("reshape", "flat", (last,), ("flat",)),
        Node("fully_connected_f32", "end", ("flat", "end.w", "end.b"), ("end",), OPEN),
    ]
    graph.inputs, graph.outputs = edges, [Edge("end", "end", (1, 4), (0, 1), "f32")]
    graph.validate()
    return graph


@pytest.mark.parametrize("bits", [4, 2])
@pytest.mark.parametrize("name", [name for name in CASES if name != "sign"])  # it has two values, however many levels there are
def test_no_operator_leaves_the_levels_and_numpy_equals_c(name: str, bits: int) -> None:
    graph = inside(CASES[name][0]())
    recipe = Recipe(f"w8a{bits}", int8_ends=False)
    inputs = samples(graph, 64)
    found = quantize_reported(graph, inputs, recipe)
    assert not found.islands
    session = Session(found.graph, keep_all=True)
    narrow = [n for n, levels in widths(graph, recipe, recipe.precisions[0]).levels.items() if levels == 1 << bits]
    assert "y" in narrow and len(narrow) >= 2
    for sample in inputs[:4]:
        session.run(*sample)
        for tensor in set(narrow) & set(session.names()):
            q = session.tensor(tensor)
            assert -(1 << bits) // 2 <= q.min() and q.max() < (1 << bits) // 2, tensor
        inner = {e.tensor: to_inner(found.graph, e, x) for e, x in zip(found.graph.inputs, sample, strict=True)}
        for tensor, value in run_graph(found.graph, inner).items():
            if found.graph.tensors[tensor].data is None and tensor in session.names():
                assert np.array_equal(value, session.tensor(tensor)), tensor


def test_what_a_float_island_gives_is_clamped_to_the_levels() -> None:
    net = Net()
    a = net.conv(net.input("x", (1, 6, 6, 8)), "a", 8, pad=1)
    r = net.node("reduce_f32", [a], "r", (1, 6, 6, 1), kind=5, axes=0b1000)
    graph = net.graph(net.dense(net.dense(net.node("reshape", [r], "flat", (1, 36)), "d", 8), "y", 3))
    found = quantize_reported(graph, samples(graph, 4), Recipe("w8a4"))
    assert [i.op for i in found.islands] == ["reduce_f32"]
    session = Session(found.graph, keep_all=True)
    session.run(np.full((1, 6, 6, 8), 40.0, np.float32))  # far beyond what calibration saw
    assert session.tensor("r").max() == 7 and session.tensor("r").min() >= -8


def test_a_narrowed_quantization_has_the_range_and_fewer_levels() -> None:
    for a in (affine(-3.0, 5.0), affine(0.0, 1.0), Affine(1 / 256, -128), Affine(1 / 128, 0)):
        for levels in (16, 4):
            made = narrowed(a, levels)
            assert made.highest - made.lowest == levels - 1 and made.lowest <= made.zero <= made.highest
            assert abs((made.high - made.low) - (a.high - a.low)) < 1e-6 * (a.high - a.low)
            assert made.low <= a.low + made.scale / 2 and made.high >= a.high - made.scale / 2
            assert set(np.unique(made.quantize(np.linspace(2 * a.low, 2 * a.high, 999)))) == set(range(made.lowest, made.highest + 1))
    assert narrowed(affine(-3.0, 5.0), 256) == affine(-3.0, 5.0)


def test_the_range_of_a_pool_over_a_residual_sum_has_the_levels_that_the_layer_behind_reads() -> None:
    net = Net()
    x = net.input("x", (1, 8, 8, 3))
    a = net.conv(x, "a", 8, pad=1)
    b = net.conv(a, "b", 8, pad=1)
    s = net.node("add_f32", [a, b], "s", (1, 8, 8, 8), **OPEN)
    c = net.conv(s, "c", 8, pad=1)
    m = net.node("reduce_f32", [c], "m", (1, 8), kind=1, axes=0b0110)
    graph = net.graph(net.dense(m, "y", 5))
    recipe = Recipe("w4a4")
    found = widths(graph, recipe, recipe.precisions[0])
    assert {n: found.levels[n] for n in ("x", "a", "b", "s", "c", "m", "y")} == {
        "x": 256, "a": 16, "b": 16, "s": 16, "c": 256, "m": 256, "y": 256,
    }  # fmt: skip
