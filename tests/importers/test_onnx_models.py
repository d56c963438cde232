from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq_host.importers import load
from edgeq_host.session import Session

MODELS = ("pretrainedResnet", "vww_96_float", "resnet20_exported", "blazeface_exported", "version-RFB-320_simplified")
LIMIT = 1e-4  # of the output's range


@pytest.mark.parametrize("name", MODELS)
def test_a_real_model_equals_its_reference_outputs_and_keeps_no_transposes(name: str, assets: Path) -> None:
    graph = load(assets / "models" / f"{name}.onnx")
    assert not [n.name for n in graph.nodes if n.op == "transpose"]
    golden = np.load(assets / "golden" / f"{name}.onnx.npz")
    session = Session(graph)
    for k in range(3):
        outputs = session.run(*[golden[f"in{k}_{e.name}"] for e in graph.inputs])
        for edge, found in zip(graph.outputs, outputs, strict=True):
            want = golden[f"out{k}_{edge.name}"]
            assert found.shape == want.shape == edge.shape
            assert np.abs(found - want).max() <= LIMIT * np.ptp(want)


@pytest.mark.parametrize("name", MODELS)
def test_activations_of_a_real_model_are_fused(name: str, assets: Path) -> None:
    graph = load(assets / "models" / f"{name}.onnx")
    assert not [n.name for n in graph.nodes if n.op == "clip_f32"]
