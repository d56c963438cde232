"""edgeq bench as a user meets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Edgeq

pytest.importorskip("onnxruntime")
layers = pytest.importorskip("bench.layers")


def test_bench_of_a_model_gives_one_document_or_a_table(edgeq: Edgeq, tmp_path: Path) -> None:
    path = layers.write_tflite(layers.FC, tmp_path)
    found = edgeq("bench", path, "--against", "litert", "--rounds", "3", "--json").json
    assert found["schema"] == "edgeq.bench/1" and [o["engine"] for o in found["others"]] == ["litert"]
    assert "edgeq is faster by" in edgeq("bench", path, "--rounds", "3").out
    assert edgeq("bench", path, "--against", "ncnn").code == 2
    assert edgeq("bench", "absent.tflite").code == 2


def test_bench_of_kernels_gives_peaks_and_every_row(edgeq: Edgeq) -> None:
    found = edgeq("bench", "kernels", "--rounds", "3", "--json").json
    assert found["schema"] == "edgeq.bench-kernels/1" and {k["isa"] for k in found["kernels"]} >= {"portable"}
    assert "GMAC/s" in edgeq("bench", "kernels", "--rounds", "3").out
