"""The memory plan: no two live activations meet, and memory is reused."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq_host.export import arena
from edgeq_host.graph import Edge, Graph, Node, Tensor
from tests.export.graphs import chain, quant


def lifetimes(graph: Graph) -> dict[str, tuple[int, int]]:
    """First and last operator of each activation, from the graph alone."""
    life = {e.tensor: (-1, -1) for e in graph.inputs}
    for i, node in enumerate(graph.nodes):
        for name in node.inputs:
            if graph.tensors[name].data is None:
                life[name] = (life[name][0], i)
        for name in node.outputs:
            life[name] = (i, i)
    for edge in graph.outputs:
        life[edge.tensor] = (life[edge.tensor][0], len(graph.nodes))
    return life


def random_graph(seed: int) -> Graph:
    """A graph of adds that read any two earlier tensors, with tensors of random size class."""
    rng = np.random.default_rng(seed)
    graph = Graph("random", {}, [], [], [])
    for i in range(int(rng.integers(2, 30))):
        size = int(rng.integers(1, 200))
        graph.tensors[f"t{i}"] = Tensor(f"t{i}", (size,), "s8", None, quant(1, 0))
        if i == 0:
            graph.inputs.append(Edge("x", "t0", (size,), (0,), "s8"))
        else:
            a, b = (f"t{rng.integers(0, i)}" for _ in range(2))
            graph.nodes.append(Node("min_s8", f"n{i}", (a, b), (f"t{i}",), {"lo": -128, "hi": 127}))
    last = len(graph.tensors) - 1
    graph.outputs.append(Edge("y", f"t{last}", graph.tensors[f"t{last}"].shape, (0,), "s8"))
    return graph


@pytest.mark.parametrize("seed", range(40))
def test_live_activations_never_overlap(seed: int) -> None:
    graph = random_graph(seed)
    offsets, end = arena.plan(graph)
    life = lifetimes(graph)
    places = {n: (o, o + arena.tensor_bytes(graph.tensors[n])) for n, o in offsets.items()}
    assert all(o % arena.STEP == 0 for o in offsets.values())
    assert end == max(stop for _, stop in places.values())
    for a in places:
        for b in places:
            if a < b and life[a][0] <= life[b][1] and life[b][0] <= life[a][1]:
                assert places[a][1] <= places[b][0] or places[b][1] <= places[a][0], (a, b)


def test_a_chain_needs_its_largest_neighbours_only() -> None:
    _, end = arena.plan(chain([16, 160, 320, 160, 16]))
    assert end == 480


def test_keep_all_gives_every_activation_its_own_place() -> None:
    offsets, end = arena.plan(chain([16, 16, 16, 16]), keep_all=True)
    assert sorted(offsets.values()) == [0, 16, 32, 48] and end == 64


def test_a_reshape_shares_the_place_of_its_input() -> None:
    graph = chain([16, 16])
    graph.tensors["r"] = Tensor("r", (4, 4), "s8", None, quant(0.5, 3))
    graph.nodes.append(Node("reshape", "r", ("t1",), ("r",)))
    graph.outputs[0] = Edge("y", "r", (4, 4), (0, 1), "s8")
    offsets, end = arena.plan(graph)
    assert offsets["r"] == offsets["t1"] and end == 32
