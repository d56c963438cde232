"""Every network in every width: the integers of the numpy reference on every subset of instruction sets, and the size foretold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq_host.data import Data, Sample
from edgeq_host.graph import Array, Graph
from edgeq_host.importers import load
from edgeq_host.produce import Source, pack_graph, predicted_bytes, produce
from edgeq_host.quant import quantize
from edgeq_host.recipe import Recipe, Step
from edgeq_host.selftest import to_inner
from edgeq_host.session import Session
from tests.core import isa_masks
from tests.networks.zoo import FLOAT, INT8
from tests.reference import run_graph

NETWORKS = [*FLOAT, *(f"{name}.tflite" for name in INT8)]
PRECISIONS = [("w4a8", 0), ("w2a8", 32), ("ternary", 64)]
QUICK = ("kws_ref_model_float32.tflite", "mnist_valid_q.tflite")
SAMPLES = 2


def inputs(graph: Graph, assets: Path, network: str) -> list[list[Array]]:
    """Golden ones where there are some, else noise of the input's type."""
    kinds = {"s8": np.int8, "u8": np.uint8, "f32": np.float32}
    if (golden := assets / "golden" / f"{network}.npz").exists():
        (edge,) = graph.inputs
        with np.load(golden) as held:
            names = [name for name in held.files if name.startswith("in")][:SAMPLES]
            return [[np.ascontiguousarray(held[name].reshape(edge.shape), kinds[edge.dtype])] for name in names]
    random = np.random.default_rng(1)
    return [[random.integers(0, 256, e.shape, np.uint8).view(kinds[e.dtype]) for e in graph.inputs] for _ in range(SAMPLES)]


def cases(*more: Any) -> list[Any]:
    every = [(network, *of) for network in NETWORKS for of in more]
    return [case if case[0] in QUICK else pytest.param(*case, marks=pytest.mark.slow) for case in every]


@pytest.mark.parametrize(("network", "precision", "group"), cases(*PRECISIONS))
def test_every_instruction_set_gives_the_integers_of_the_reference(assets: Path, network: str, precision: str, group: int) -> None:
    graph = load(assets / "models" / network)
    data = inputs(graph, assets, network)
    check(quantize(graph, data, Recipe(precision, group=group)), data)


def check(made: Graph, samples: list[list[Array]]) -> None:
    """Every tensor of integers, on every subset of instruction sets."""
    sessions = [Session(made, keep_all=True, isas=mask) for mask in isa_masks()]
    for sample in samples:
        wanted = run_graph(made, {e.tensor: to_inner(made, e, x) for e, x in zip(made.inputs, sample, strict=True)})
        for session in sessions:
            session.run(*sample)
            assert all(np.array_equal(wanted[n], session.tensor(n)) for n in session.names() if made.tensors[n].dtype != "f32")


@pytest.mark.parametrize("network", ["kws_ref_model_float32.tflite", *(pytest.param(n, marks=pytest.mark.slow) for n in FLOAT[1:])])
def test_both_variants_of_nested_weights_give_the_integers_of_the_reference(assets: Path, network: str) -> None:
    graph = load(assets / "models" / network)
    samples, recipe = inputs(graph, assets, network), Recipe("int8,w4a8", nested=True, step=(Step("bias_correction"),))
    found = [Sample(x, None) for x in samples]
    data = Data(None, len(found), False, lambda: iter(found))
    for variant in pack_graph(graph, Source(None, recipe, data, name="net")).variants:
        check(variant.graph, samples)


@pytest.mark.parametrize(("network", "precision", "group"), cases(("int8", 0), ("w4a8", 64), ("int8,w4a8,w2a8,ternary", 32)))
def test_the_size_of_the_file_is_foretold_to_the_byte(assets: Path, network: str, precision: str, group: int) -> None:
    graph = load(assets / "models" / network)
    found = [Sample(x, None) for x in inputs(graph, assets, network)]
    data = Data(None, len(found), False, lambda: iter(found))
    source = Source(assets / "models" / network, Recipe(precision, group=group), data)
    assert predicted_bytes(source) == len(produce(source).data)
