"""A real network whose activations share their places."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeq_host.importers import load
from edgeq_host.quant import quantize
from edgeq_host.recipe import Recipe
from edgeq_host.session import Session
from edgeq_runtime.ops import DTYPES


def random_inputs(session: Session) -> list[np.ndarray]:
    """Within the range of an int8 input most of the values quantize to themselves: no layer sees a constant."""
    rng, arrays = np.random.default_rng(1), []
    for edge in session.model.inputs:
        kind = np.dtype(DTYPES[edge.dtype])
        scale = 128 * edge.scale if edge.scale else 1.0
        arrays.append((rng.uniform(-scale, scale, edge.shape) if kind.kind == "f" else rng.integers(0, 100, edge.shape)).astype(kind))
    return arrays


def test_sharing_places_does_not_change_a_result(assets: Path) -> None:
    graph = quantize(load(assets / "models" / "kws_ref_model.tflite"), None, Recipe())
    packed, apart = Session(graph), Session(graph, keep_all=True)
    inputs = random_inputs(packed)
    assert packed.model.plan.activation_bytes < apart.model.plan.activation_bytes
    assert all(np.array_equal(a, b) for a, b in zip(packed.run(*inputs), apart.run(*inputs), strict=True))
