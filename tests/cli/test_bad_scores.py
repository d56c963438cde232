"""`edgeq eval` with data, references and metrics that do not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.cli.conftest import DIGITS, Edgeq
from tests.cli.test_bad_input import refused

TEST = DIGITS / "test.npz"


def _relu(path: str, shape: list[int]) -> None:
    edges = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", edges[:1], edges[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), path)


@pytest.mark.parametrize(("shape", "names"), [([1, 3, 4, 4], "[1, 3, 4, 4]"), ([1, 1, 8, 8], "outputs")])
def test_a_reference_of_other_shapes_is_refused_with_both(edgeq: Edgeq, packed: Path, shape: list[int], names: str) -> None:
    _relu("other.onnx", shape)
    for found in (names, "[1, 1, 8, 8]"):
        refused(edgeq, "eval", packed, "--data", TEST, "--reference", "other.onnx", code=3, names=found)


@pytest.mark.parametrize(("label", "names"), [(np.nan, "NaN"), (np.inf, "infinity"), (1.5, "1.5"), ("cat", "no number"), (-1, "label -1")])
def test_a_label_that_is_no_class_is_named(edgeq: Edgeq, packed: Path, label: object, names: str) -> None:
    data = np.load(TEST)
    np.savez("y.npz", x=data["x"], y=np.where(np.arange(len(data["y"])) == 3, np.array(label), data["y"]))
    refused(edgeq, "eval", packed, "--data", "y.npz", code=3, names=names)


def test_auc_of_a_classifier_says_what_auc_ranks(edgeq: Edgeq, packed: Path) -> None:
    refused(edgeq, "eval", packed, "--data", TEST, "--metric", "auc", code=3, names="10 values")
    assert "without y" not in edgeq("eval", packed, "--data", TEST, "--metric", "auc").err


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("float((np.argmax(o, 1) == y).mean())", "outputs[0]"),
        ("o[0].argmax(1) == y", "shape [1]"),
        ("'good'", "'good'"),
        ("None", "None"),
        ("np.float32('nan')", "nan"),
    ],
)
def test_a_metric_that_is_written_for_many_samples_or_gives_no_number_says_so(edgeq: Edgeq, packed: Path, body: str, names: str) -> None:
    Path("own.py").write_text(f"import numpy as np\n\n\ndef f(o, y):\n    return {body}\n")
    result = edgeq("eval", packed, "--data", TEST, "--metric", "own.py:f")
    assert result.code == 2 and names in result.err and "one sample" in result.err, result.err


def test_a_metric_of_one_sample_equals_top1(edgeq: Edgeq, packed: Path) -> None:
    Path("own.py").write_text("def f(outputs, label):\n    return outputs[0].argmax() == label\n")
    own = edgeq("eval", packed, "--data", TEST, "--metric", "own.py:f", "--json").json["score"]
    assert own["value"] == edgeq("eval", packed, "--data", TEST, "--json").json["score"]["value"]
