"""Scores use the recipe and the metric that a file records, wherever it runs."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import edgeq_host
from tests.cli.conftest import DIGITS, Edgeq

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

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


def _recipe(edgeq: Edgeq, file: str) -> dict[str, object]:
    return dict(tomllib.loads(edgeq("inspect", file, "--json").json["provenance"]["recipe"]))


def test_the_file_records_every_value_that_was_in_force_and_inspect_shows_it(edgeq: Edgeq) -> None:
    quantize = ("quantize", MODEL, "--calibration", DIGITS / "calibration.npz", "-o")
    edgeq(*quantize, "plain.eqm")
    found: dict[str, object] = {"precision": "int8", "calibrator": "minmax", "seed": 0, "metric": "top1"}
    found["step"] = [{"method": "bias_correction", "max_bits": 8}]
    assert _recipe(edgeq, "plain.eqm") == found
    edgeq(*quantize, "mse.eqm", "--calibrator", "mse")
    assert _recipe(edgeq, "mse.eqm") == found | {"calibrator": "mse", "options": {"steps": 100, "bins": 8192}}
    shown = edgeq("inspect", "mse.eqm").out
    assert '    calibrator = "mse"\n' in shown and "    steps = 100\n" in shown


@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_calibration_that_decides_nothing_is_said_and_not_recorded(edgeq: Edgeq, assets: Path, precision: str) -> None:
    model = assets / "models" / "hello_world_int8.tflite" if precision == "int8" else MODEL
    words = ("quantize", model, "--precision", precision)
    result = edgeq(*words, "--calibration", "random", "-o", "m.eqm")
    assert result.code == 0 and "calibration is not used" in result.err and "noise" not in result.err
    assert edgeq("inspect", "m.eqm", "--json").json["provenance"]["calibration"] == ""
    assert "calibrator" not in _recipe(edgeq, "m.eqm")
    edgeq(*words, "-o", "without.eqm", "--name", "m")
    assert Path("without.eqm").read_bytes() == Path("m.eqm").read_bytes()
    assert edgeq("reproduce", "m.eqm", "--model", model).code == 0
