"""What a program prints of the objects that it works with: what they are, never their contents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import edgeq_host
from edgeq_host.data import open_data
from edgeq_host.export import Bundle, Variant
from edgeq_host.graph import Graph
from edgeq_host.produce import Packed
from edgeq_host.recipe import Recipe
from edgeq_host.selftest import make

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
LIMIT = 200  # characters


@pytest.fixture(scope="module")
def graph() -> Graph:
    return edgeq_host.load(DIGITS / "digits.onnx")


@pytest.fixture(scope="module")
def packed(graph: Graph) -> Packed:
    return edgeq_host.quantize(graph, calibration=DIGITS / "calibration.npz", name="digits")


def test_a_graph_shows_its_edges_operators_and_bytes(graph: Graph) -> None:
    text = repr(graph)
    assert "image f32 [1, 1, 8, 8] -> " in text and f"{len(graph.nodes)} operators" in text and "bytes of constants" in text
    assert len(text) < LIMIT


def test_a_packed_model_shows_its_name_and_bytes(packed: Packed) -> None:
    text = repr(packed)
    assert text.startswith(f"<Packed 'digits': {len(packed.data)} bytes, int8 <Graph") and len(text) < 2 * LIMIT


def test_tensors_show_type_shape_and_scale(packed: Packed) -> None:
    for tensor in packed.graph.tensors.values():
        text = repr(tensor)
        assert f"{tensor.dtype} {list(tensor.shape)}" in text and (tensor.data is None or "constant" in text) and len(text) < LIMIT
        assert tensor.quant is None or "scale" in text


def test_bundles_and_samples_do_not_show_their_contents(packed: Packed) -> None:
    data = open_data(DIGITS / "test.npz", packed.graph.inputs, Recipe())
    selftest = make(packed.graph, [np.zeros(packed.graph.tensors[e.tensor].shape, np.int8) for e in packed.graph.inputs])
    for held in (data, next(iter(data)), selftest):
        assert len(repr(held)) < LIMIT
    assert len(repr(Bundle("digits", [Variant("int8", packed.graph, selftest)]))) < 3 * LIMIT
