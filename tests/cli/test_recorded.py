"""Scores use the recipe and the metric that a file records, wherever it runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import edgeq_host
from tests.cli.conftest import DIGITS, Edgeq

TEST, MODEL = DIGITS / "test.npz", DIGITS / "digits.onnx"


@pytest.fixture
def made(edgeq: Edgeq) -> Path:
    Path("r.toml").write_text('metric = "top5"\n')
    assert edgeq("quantize", MODEL, "--calibration", DIGITS / "calibration.npz", "--recipe", "r.toml", "-o", "five.eqm").code == 0
    return Path("five.eqm")


def test_eval_of_an_installed_model_uses_the_metric_that_its_file_records(edgeq: Edgeq, made: Path) -> None:
    edgeq("deploy", made, "-b", "local")
    here, there = edgeq("eval", made, "--data", TEST, "--json").json, edgeq("eval", "five", "--data", TEST, "-b", "local", "--json").json
    assert here["top5"] == there["top5"] and "top1" not in there
    assert edgeq("eval", "five", "--data", TEST, "-b", "local", "--metric", "top1", "--json").json["top1"] < there["top5"]


def test_the_python_function_uses_the_recorded_metric_unless_one_is_given(made: Path) -> None:
    five, one = edgeq_host.evaluate(made, TEST), edgeq_host.evaluate(made, TEST, "top1")
    assert (five.metric, one.metric) == ("top5", "top1") and five.value > one.value
    arrays = np.load(TEST)
    packed = edgeq_host.quantize(MODEL, str(DIGITS / "calibration.npz"), recipe="r.toml")
    assert edgeq_host.evaluate(packed, (arrays["x"], arrays["y"])) == five
    assert edgeq_host.evaluate(edgeq_host.load(MODEL), TEST).metric == "top1"
