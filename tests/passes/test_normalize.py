from __future__ import annotations

import numpy as np
import pytest

from edgeq_host.graph import Graph
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx_ops.build import import_model
from edgeq_host.passes import normalize
from tests.importers.node_cases import evaluate
from tests.passes.random_nets import FLOAT, QUANTIZED, random_net


def _pair(seed: int, steps: tuple, length: int) -> tuple[Graph, Graph]:  # type: ignore[type-arg]
    source = import_model(random_net(seed, steps, length), f"net {seed}", ImportOptions())
    source.validate()
    graph = normalize(source)
    graph.validate()
    return source, graph


def _compare(seed: int, steps: tuple, length: int, step: float) -> None:  # type: ignore[type-arg]
    source, graph = _pair(seed, steps, length)
    x = {"x": np.random.default_rng(seed).normal(0, 1, source.inputs[0].shape).astype(np.float32)}
    for want, got, edge in zip(evaluate(source, x), evaluate(graph, x), graph.outputs, strict=True):
        assert got.shape == want.shape == edge.shape
        limit = 1e-4 * max(1.0, float(np.abs(want).max()))
        assert np.mean(np.abs(got - want) > limit) <= step, f"seed {seed}: {[n.op for n in graph.nodes]}"


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_a_normalized_network_gives_the_same_numbers(first: int) -> None:
    for seed in range(first, first + 20):
        _compare(seed, FLOAT, 12, 0.0)


@pytest.mark.parametrize("first", range(1000, 1200, 20))
def test_a_normalized_network_keeps_the_rounding_of_its_source(first: int) -> None:
    """A value at the very middle between two steps may fall to either side after a fusion: that is a share, not a difference of all."""
    for seed in range(first, first + 20):
        _compare(seed, QUANTIZED, 12, 0.1)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(10_000, 20_000, 1000))
def test_many_normalized_networks_give_the_same_numbers(first: int) -> None:
    for seed in range(first, first + 1000):
        _compare(seed, FLOAT, 5 + seed % 20, 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(20_000, 25_000, 1000))
def test_many_normalized_networks_keep_the_rounding_of_their_source(first: int) -> None:
    for seed in range(first, first + 1000):
        _compare(seed, QUANTIZED, 5 + seed % 12, 0.1)


def test_normalizing_twice_changes_nothing() -> None:
    for seed in range(40):
        _, graph = _pair(seed, FLOAT, 12)
        again = normalize(graph)
        assert [(n.op, n.inputs, n.outputs) for n in again.nodes] == [(n.op, n.inputs, n.outputs) for n in graph.nodes]


def test_normalize_leaves_its_argument_as_it_was() -> None:
    source = import_model(random_net(3, FLOAT, 12), "net", ImportOptions())
    before = (dict(source.tensors), list(source.nodes), list(source.inputs), list(source.outputs))
    normalize(source)
    assert before == (source.tensors, source.nodes, source.inputs, source.outputs)
