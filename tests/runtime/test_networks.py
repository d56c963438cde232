"""Real networks: the arena that is planned is the arena that is used, byte for byte, on every instruction set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq_host.importers import load
from edgeq_host.quant import quantize
from edgeq_host.recipe import Recipe
from edgeq_host.session import Session
from edgeq_runtime.ops import DTYPES
from tests.ops.runner import isa_masks
from tests.runtime.test_arena import high_water

slow = pytest.mark.slow
# The int8 ones keep the scales of their source: no calibration is needed.
INT8 = [
    "kws_ref_model.tflite",
    "ad01_int8.tflite",
    "mnist_valid_q.tflite",
    pytest.param("pretrainedResnet_quant.tflite", marks=slow),
    pytest.param("vww_96_int8.tflite", marks=slow),
    pytest.param("person_detect.tflite", marks=slow),
    pytest.param("mobilenet_v2_quantized_1x3x224x224.tflite", marks=slow),
]
FLOAT = [
    "kws_ref_model_float32.tflite",
    "mnist_valid_f.tflite",
    "ad01_fp32.tflite",
    pytest.param("pretrainedResnet.onnx", marks=slow),
    pytest.param("vww_96_float.onnx", marks=slow),
    pytest.param("blazeface_exported.onnx", marks=slow),
    pytest.param("version-RFB-320_without_postprocessing.tflite", marks=slow),
]


def random_inputs(session: Session) -> list[np.ndarray]:
    """Within the range of an int8 input most of the values quantize to themselves: no layer sees a constant."""
    rng, arrays = np.random.default_rng(1), []
    for edge in session.model.inputs:
        kind = np.dtype(DTYPES[edge.dtype])
        scale = 128 * edge.scale if edge.scale else 1.0
        arrays.append((rng.uniform(-scale, scale, edge.shape) if kind.kind == "f" else rng.integers(0, 100, edge.shape)).astype(kind))
    return arrays


def check(session: Session) -> None:
    plan = session.model.plan
    inputs = random_inputs(session)
    assert high_water(session.model, inputs) == plan.arena_bytes
    scratch = -(-plan.activation_bytes // 64) * 64 + plan.scratch_bytes if plan.scratch_bytes else plan.activation_bytes
    assert plan.arena_bytes == scratch


@pytest.mark.parametrize("name", INT8)
def test_int8_network_uses_exactly_its_planned_arena(assets: Path, name: str) -> None:
    graph = quantize(load(assets / "models" / name), None, Recipe())
    results = []
    for isas in isa_masks():
        session = Session(graph, isas=isas)
        check(session)
        results.append(session.run(*random_inputs(session)))
    for result in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], result, strict=True))


@pytest.mark.parametrize("name", FLOAT)
def test_float_network_uses_exactly_its_planned_arena(assets: Path, name: str) -> None:
    graph = load(assets / "models" / name)
    results = []
    for isas in isa_masks():
        session = Session(graph, isas=isas)
        check(session)
        results.append(session.run(*random_inputs(session)))
    for result in results[1:]:
        assert all(a.tobytes() == b.tobytes() for a, b in zip(results[0], result, strict=True))


def test_sharing_places_does_not_change_a_result(assets: Path) -> None:
    graph = quantize(load(assets / "models" / "kws_ref_model.tflite"), None, Recipe())
    packed, apart = Session(graph), Session(graph, keep_all=True)
    inputs = random_inputs(packed)
    assert packed.model.plan.activation_bytes < apart.model.plan.activation_bytes
    assert all(np.array_equal(a, b) for a, b in zip(packed.run(*inputs), apart.run(*inputs), strict=True))
