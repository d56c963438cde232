"""A real binary network, TFC_1W1A: packed, opened and deployed it predicts what its QONNX definition predicts, digit by digit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from onnx.reference.op_run import OpRun

from edgeq_host.graph import Array
from edgeq_host.produce import Source, produce
from edgeq_runtime import native
from tests.cli.conftest import Edgeq, edgeq
from tests.importers.qonnx_reference import BatchNormalization, evaluator

__all__ = ["edgeq"]
NAME = "TFC_1W1A.onnx"
RIGHT = 4653  # of 5,000 digits: 93.06 %


def _digits(assets: Path) -> tuple[Array, Array]:
    with np.load(assets / "data" / "mnist_test_even5000.npz") as data:
        x = np.asarray(data["x"].reshape(-1, 1, 1, 28, 28) / np.float32(255), np.float32)
        return x, data["y"]


def _predicted(assets: Path, digits: Array) -> Array:
    model = native.Model(produce(Source(assets / "models" / NAME)).data)
    return np.array([np.argmax(model.run(x)) for x in digits])


def _for_onnxruntime(model: onnx.ModelProto) -> onnx.ModelProto:
    """BipolarQuant in operators of ONNX: where x < 0, -scale, else scale."""
    made = onnx.ModelProto.FromString(model.SerializeToString())
    del made.graph.node[:]
    zero = onnx.numpy_helper.from_array(np.zeros((), np.float32), "nought")
    made.graph.initializer.append(zero)
    for node in model.graph.node:
        if node.op_type != "BipolarQuant":
            made.graph.node.append(node)
            continue
        (x, scale), y = node.input, node.output[0]
        below, minus = helper.make_node("Less", [x, "nought"], [f"{y}/below"]), helper.make_node("Neg", [scale], [f"{y}/minus"])
        made.graph.node.extend([below, minus, helper.make_node("Where", [f"{y}/below", f"{y}/minus", scale], [y])])
    return made


def test_every_prediction_is_that_of_onnxruntime(assets: Path) -> None:
    digits, labels = _digits(assets)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(_for_onnxruntime(onnx.load(assets / "models" / NAME)).SerializeToString(), options)
    wanted = np.array([np.argmax(session.run(None, {"0": x})[0]) for x in digits])
    predicted = _predicted(assets, digits)
    assert np.array_equal(predicted, wanted) and int((predicted == labels).sum()) == RIGHT


def _by_reference(assets: Path, digits: Array, without: tuple[type[OpRun], ...] = ()) -> Array:
    """Outputs [n, 10]."""
    reference = evaluator(onnx.load(assets / "models" / NAME), without)
    return np.concatenate([reference.run(None, {"0": x})[0] for x in digits])


def test_the_first_predictions_are_those_of_the_qonnx_definition(assets: Path) -> None:
    digits = _digits(assets)[0][:50]
    assert np.array_equal(_predicted(assets, digits), _by_reference(assets, digits).argmax(axis=1))


@pytest.mark.slow
def test_every_prediction_is_that_of_the_qonnx_definition(assets: Path) -> None:
    digits, labels = _digits(assets)
    predicted = _predicted(assets, digits)
    assert np.array_equal(predicted, _by_reference(assets, digits).argmax(axis=1)) and int((predicted == labels).sum()) == RIGHT


def test_the_batch_norm_of_onnx_reference_is_another_one(assets: Path) -> None:
    """Before opset 14 it mixes a tenth of the sample's own statistics in, which ONNX has in training alone, and onnxruntime never."""
    digits = _digits(assets)[0][:5]
    assert np.abs(_by_reference(assets, digits) - _by_reference(assets, digits, (BatchNormalization,))).max() > 0.1


@pytest.mark.slow
def test_with_the_batch_norm_of_onnx_reference_other_digits_are_right(assets: Path) -> None:
    digits, labels = _digits(assets)
    mixing = _by_reference(assets, digits, (BatchNormalization,)).argmax(axis=1)
    assert int((mixing == labels).sum()) == 4643 and int((mixing != _predicted(assets, digits)).sum()) == 97


def test_quantize_inspect_deploy_and_eval(edgeq: Edgeq, assets: Path) -> None:
    digits, labels = _digits(assets)
    np.savez("digits.npz", x=digits[:500, 0], y=labels[:500])
    checked = edgeq("check", assets / "models" / NAME)
    assert checked.code == 0 and "weights of 1 bit x4, signs x4" in checked.out
    made = edgeq("quantize", assets / "models" / NAME, "--data", "digits.npz", "-o", "tfc.eqm", "--json")
    assert made.code == 0 and made.json["bytes"] < 13_500 and made.json["islands"] == []
    float_score, score = (made.json["score"][key]["value"] for key in ("float", "int8"))
    layers = edgeq("inspect", "tfc.eqm", "--json").json["layers"]
    assert [layer["op"] for layer in layers] == ["reshape", "sign_b1", *["fully_connected_b1"] * 4]
    assert {layer["kernel"] for layer in layers if layer["op"] == "fully_connected_b1"} == {"gemm_b1_b1_b1", "gemm_s8_b1_b1"}
    diagnosed = edgeq("diagnose", assets / "models" / NAME, "tfc.eqm", "--data", "digits.npz", "--samples", 5, "--json").json["layers"]
    assert [layer["op"] for layer in diagnosed] == [layer["op"] for layer in layers]
    narrower = edgeq("quantize", assets / "models" / NAME, "--precision", "w4a8", "-o", "narrow.eqm")
    assert narrower.code == 0 and "warning" not in narrower.err, "nothing is left for steps to choose"
    deployed = edgeq("deploy", "tfc.eqm", "-b", "local", "--json")
    assert deployed.code == 0 and deployed.json["selftest"] == "passed"
    there = edgeq("eval", "tfc", "--data", "digits.npz", "-b", "local", "--json").json
    assert there["top1"] == score and abs(score - float_score) <= 0.002
