"""What onnx computes in native code cannot take the command down with it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from edgeq_host.errors import ModelError
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx_ops import native_onnx
from edgeq_host.importers.onnx_ops.build import import_model


def relu() -> onnx.ModelProto:
    edges = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 3])] for name in ("x", "y")]
    nodes = [helper.make_node("Relu", ["x"], ["h"]), helper.make_node("Relu", ["h"], ["y"])]
    return helper.make_model(helper.make_graph(nodes, "g", *edges), opset_imports=[helper.make_opsetid("", 19)])


def shapes(model: onnx.ModelProto | None) -> dict[str, list[int]]:
    assert model is not None
    return {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in model.graph.value_info}


def test_shapes_are_inferred_in_one_process_for_all_models() -> None:
    assert shapes(native_onnx.infer(relu())) == {"h": [2, 3]}
    process = native_onnx._worker.process
    assert shapes(native_onnx.infer(relu(), data_prop=True)) == {"h": [2, 3]}
    assert process is not None and native_onnx._worker.process is process and process.pid != os.getpid()


def test_files_of_the_working_directory_are_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("onnx", "struct", "select", "edgeq_host"):
        (tmp_path / f"{name}.py").write_text("open('mark', 'w').close()")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(native_onnx, "_worker", native_onnx._Worker())
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder])
    assert shapes(native_onnx.infer(relu())) == {"h": [2, 3]}
    assert not (tmp_path / "mark").exists()


def test_a_process_that_died_is_replaced() -> None:
    native_onnx.infer(relu())
    first = native_onnx._worker.process
    assert first is not None
    first.kill()
    first.wait()
    assert shapes(native_onnx.infer(relu())) == {"h": [2, 3]}


def test_a_process_that_dies_of_a_model_or_does_not_end_gives_nothing_and_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    native_onnx.infer(relu())
    process = native_onnx._worker.process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(native_onnx, "LIMIT_S", 0.2)
        assert native_onnx.infer(relu()) is None
    assert process.poll() is not None
    assert shapes(native_onnx.infer(relu())) == {"h": [2, 3]}


def test_a_model_that_the_inference_refuses_gives_nothing() -> None:
    model = relu()
    model.graph.node[0].op_type = "NoSuchOperator"
    assert native_onnx.infer(model) is None or "h" not in shapes(native_onnx.infer(model))
    model.graph.node[0].CopyFrom(helper.make_node("Concat", ["x", "x"], ["h"], axis=7))
    assert native_onnx.infer(model) is None or "h" not in shapes(native_onnx.infer(model))


def test_functions_are_written_out() -> None:
    model = relu()
    model.functions.append(helper.make_function("own", "Twice", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])], []))
    model.functions[0].opset_import.append(helper.make_opsetid("", 19))
    model.graph.node[0].CopyFrom(helper.make_node("Twice", ["x"], ["h"], domain="own"))
    model.opset_import.append(helper.make_opsetid("own", 1))
    inlined = native_onnx.inline(model)
    assert inlined is not None and [n.op_type for n in inlined.graph.node] == ["Add", "Relu"]


def test_a_model_that_aborts_the_inference_is_refused_in_words() -> None:
    """A negative size, of which a slice is taken: an assertion of the C++ library that onnx was built with."""
    model = relu()
    pads, ends = (helper.make_tensor(n, TensorProto.INT64, [len(v)], v) for n, v in (("pads", [-9, 0, 0, 0]), ("ends", [1])))
    model.graph.initializer.extend([pads, ends, helper.make_tensor("starts", TensorProto.INT64, [1], [0])])
    model.graph.node[0].CopyFrom(helper.make_node("Pad", ["x", "pads"], ["h"]))
    model.graph.node[1].CopyFrom(helper.make_node("Slice", ["h", "starts", "ends", "starts"], ["y"]))
    assert native_onnx.infer(model) is None and native_onnx._worker.process is None
    with pytest.raises(ModelError):
        import_model(model, "aborting", ImportOptions())
