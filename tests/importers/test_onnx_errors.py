from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgeq_host.check import check
from edgeq_host.errors import ModelError, UnsupportedError, UsageError
from edgeq_host.importers import load
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.cuts import Cut
from tests.importers.onnx_nets import Net, residual_net


def _saved(folder: Path, model: onnx.ModelProto) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def _with_decoder(net: Net) -> onnx.ModelProto:
    """A network that ends in operators for the host: two heads, one of them through NonZero."""
    y = net.add("Relu", net.conv("x", 3, 4, 3))
    head = net.conv(y, 4, 2, 1)
    net.nodes[-1].output[0] = "boxes"
    head = "boxes"
    scores = net.add("TopK", net.add("Flatten", net.add("Sigmoid", head)), net.const(np.array([3])), outputs=2)
    found = net.add("NonZero", scores[0])
    return net.model({"x": [1, 3, 8, 8]}, {found: None, y: None}, {found: TensorProto.INT64})


def test_text_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = _saved(tmp_path, residual_net(1))
    path.write_bytes(path.read_bytes().replace(b"Relu", b"Re\xffu", 1))
    with pytest.raises(ModelError, match="is no UTF-8 text"):
        check(path)


def test_external_weights_are_refused_without_opening_the_file(tmp_path: Path) -> None:
    model = residual_net(1)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    with pytest.raises(ModelError, match="lie in another file") as raised:
        load(_saved(tmp_path, model))
    assert "save_as_external_data=False" in raised.value.hint


def test_an_unknown_batch_is_one_and_other_unknown_dimensions_ask_for_shape(tmp_path: Path) -> None:
    net = Net(1)
    y = net.conv("x", 3, 4, 3)
    path = _saved(tmp_path, net.model({"x": ["batch", 3, 8, 8]}, {y: None}))
    assert load(path).inputs[0].shape == (1, 3, 8, 8)
    net = Net(1)
    path = _saved(tmp_path, net.model({"x": ["batch", 3, "height", "width"]}, {net.conv("x", 3, 4, 3): None}))
    with pytest.raises(ModelError, match=r"'x' .* \[batch,3,height,width\]") as raised:
        load(path)
    assert raised.value.hint == "give it: --shape x=1,3,N,N"
    assert load(path, ImportOptions(shapes={"x": (2, 3, 9, 7)})).inputs[0].shape == (2, 3, 9, 7)
    with pytest.raises(UnsupportedError, match=r"4 channels.*the file fixes x at \['\?', 3, '\?', '\?'\]"):
        load(path, ImportOptions(shapes={"x": (1, 4, 9, 7)}))
    with pytest.raises(UsageError, match="2 dimensions") as short:
        load(path, ImportOptions(shapes={"x": (1, 3)}))
    assert short.value.hint == "for example --shape x=8,3,8,8"
    with pytest.raises(UsageError, match="no such input"):
        load(path, ImportOptions(shapes={"y": (1, 3, 9, 7)}))


def test_a_fixed_shape_gives_way_where_the_operators_can_follow(tmp_path: Path) -> None:
    net = Net(1)
    y = net.add("GlobalAveragePool", net.conv("x", 3, 4, 3))
    path = _saved(tmp_path, net.model({"x": [1, 3, 8, 8]}, {y: [1, 4, 1, 1]}))
    assert load(path, ImportOptions(shapes={"x": (1, 3, 20, 12)})).outputs[0].shape == (1, 4, 1, 1)
    net = Net(1)
    y = net.add("NotThere", net.conv("x", 3, 4, 3))
    path = _saved(tmp_path, net.model({"x": [1, 3, 8, 8]}, {y: [1, 4, 6, 6]}))
    assert "--shape" not in check(path, ImportOptions(shapes={"x": (1, 3, 20, 12)})).problems[0].hint


def test_every_unsupported_operator_is_listed_and_the_cut_makes_the_model_pass(tmp_path: Path) -> None:
    path = _saved(tmp_path, _with_decoder(Net(2)))
    with pytest.raises(UnsupportedError) as raised:
        load(path)
    assert [p.split()[0] for p in raised.value.problems] == ["TopK", "NonZero"]
    report = check(path)
    assert not report.ok and len(report.problems) == 2 and "TopK" in "\n".join(report.lines())
    assert report.cut is not None and not report.cut.inputs
    passing = check(path, ImportOptions().at(report.cut))
    assert passing.ok and [e.name for e in passing.outputs] == list(report.cut.outputs)


def test_a_graph_is_cut_at_names_of_nodes_and_of_tensors(tmp_path: Path) -> None:
    model = residual_net(1)
    path = _saved(tmp_path, model)
    convolution = next(n for n in model.graph.node if n.op_type == "MaxPool")
    by_node = load(path, ImportOptions(outputs=(convolution.name,)))
    by_tensor = load(path, ImportOptions(outputs=(convolution.output[0],)))
    assert by_node.outputs == by_tensor.outputs and by_node.outputs[0].shape == (1, 8, 8, 8)
    rest = load(path, ImportOptions(inputs=(convolution.output[0],)))
    assert [e.shape for e in rest.inputs] == [(1, 8, 8, 8)] and len(rest.nodes) < len(load(path).nodes)
    with pytest.raises(UsageError, match="no node and no tensor"):
        load(path, ImportOptions(outputs=("nowhere",)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\x00" * 100, "not an ONNX model"),
        (b"not a model at all, only text that is long enough", "not an ONNX model"),
        (b"\x89HDF\r\n\x1a\n" + b"\x00" * 64, "HDF5"),
        (b"\x08\x00\x00\x00EQM1" + b"\x00" * 64, "already a packed model"),
    ],
)
def test_what_is_not_a_model_is_named(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "file.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message):
        load(path)
    with pytest.raises(UsageError, match="cannot read"):
        load(tmp_path / "missing.onnx")


def test_constants_that_would_fill_the_memory_are_refused(tmp_path: Path) -> None:
    net = Net(3)
    huge = net.add("ConstantOfShape", net.const(np.array([1 << 20, 1 << 20])))
    y = net.add("Add", "x", net.add("ReduceSum", huge))
    with pytest.raises(UnsupportedError, match="elements"):
        load(_saved(tmp_path, net.model({"x": [1, 4]}, {y: None})))


def test_training_mode_is_refused(tmp_path: Path) -> None:
    net = Net(4)
    y = net.add("Dropout", "x", net.const(np.float32(0.5)), net.const(np.array(True)))
    with pytest.raises(UnsupportedError, match="training mode"):
        load(_saved(tmp_path, net.model({"x": [1, 4]}, {y: None})))


def test_check_answers_within_five_seconds_for_fifty_megabytes(tmp_path: Path) -> None:
    net = Net(5)
    y = "x"
    for _ in range(12):
        y = net.add("Relu", net.add("MatMul", y, net.const(np.ones((1024, 1024), np.float32))))
    y = net.add("NonZero", y)
    path = _saved(tmp_path, net.model({"x": [1, 1024]}, {y: None}, {y: TensorProto.INT64}))
    assert path.stat().st_size > 50e6
    start = time.monotonic()
    assert check(path).cut
    assert time.monotonic() - start < 5
    start = time.monotonic()
    cut = check(path).cut
    assert cut is not None and check(path, ImportOptions().at(cut)).ok
    assert time.monotonic() - start < 10


def test_a_subgraph_is_refused_by_the_name_of_its_node(tmp_path: Path) -> None:
    net = Net(6)
    branch = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["inner"])], "branch", [], [helper.make_tensor_value_info("inner", 1, [1])]
    )
    y = net.add("If", net.add("Cast", net.add("ReduceMax", "x", keepdims=0), to=9), then_branch=branch, else_branch=branch)
    with pytest.raises(UnsupportedError, match="If 'If_3'"):
        load(_saved(tmp_path, net.model({"x": [1]}, {y: None})))


def test_every_open_input_and_every_operator_without_a_rule_is_named_at_once(tmp_path: Path) -> None:
    net = Net(7)
    y = net.add("Erf", net.add("Mul", "a", "b"))
    z = net.add("Det", y)
    path = _saved(tmp_path, net.model({"a": ["batch", "n"], "b": [2, "n"]}, {z: None}))
    report = check(path)
    assert [(p.op, p.node) for p in report.problems] == [("input", "a"), ("input", "b"), ("Det", "Det_3")]
    assert report.shapes == ("--shape a=1,N", "--shape b=2,N")
    assert list(report.lines())[-1].endswith("--shape a=1,N --shape b=2,N")
    with pytest.raises(ModelError, match=r"'a'.*'b'") as raised:
        load(path)
    assert raised.value.hint == "give them: --shape a=1,N --shape b=2,N"


def test_what_stands_before_a_refused_node_is_kept(tmp_path: Path) -> None:
    net = Net(8)
    y = net.add("Flatten", net.add("Relu", net.conv("x", 3, 4, 3)))
    found = net.add("TopK", y, net.const(np.array([3])), outputs=2)
    report = check(_saved(tmp_path, net.model({"x": [1, 3, 8, 8]}, {found[0]: None, found[1]: None}, {found[1]: TensorProto.INT64})))
    assert report.cut == Cut((), (y,), 3)
    assert list(report.lines())[-1] == f"  3 of 4 operators pass as a part: --outputs {y}"


def test_a_cut_leaves_out_inputs_that_only_the_refused_part_reads(tmp_path: Path) -> None:
    net = Net(9)
    y = net.add("Relu", net.conv("x", 3, 4, 3))
    z = net.add("Cast", net.add("Mul", "rate", net.const(np.array(2))), to=TensorProto.FLOAT)
    model = net.model({"x": [1, 3, 8, 8], "rate": []}, {net.add("Add", y, z): None})
    model.graph.input[1].type.tensor_type.elem_type = TensorProto.INT64
    path = _saved(tmp_path, model)
    assert check(path).cut == Cut((), (y,), 2)
    assert [e.name for e in load(path, ImportOptions(outputs=(y,))).inputs] == ["x"]


def test_what_a_branch_reads_from_outside_can_be_kept(tmp_path: Path) -> None:
    net = Net(10)
    y = net.add("Relu", net.conv("x", 3, 4, 3))
    out = [helper.make_tensor_value_info("r", TensorProto.FLOAT, None)]
    branch = helper.make_graph([helper.make_node("Identity", [y], ["r"])], "branch", [], out)
    z = net.add("If", net.const(np.array(True)), then_branch=branch, else_branch=branch)
    report = check(_saved(tmp_path, net.model({"x": [1, 3, 8, 8]}, {z: None})))
    assert report.cut == Cut((), (y,), 2)


def test_what_stands_behind_a_refused_first_operator_is_kept(tmp_path: Path) -> None:
    net = Net(11)
    y = net.add("Det", "x")
    path = _saved(tmp_path, net.model({"x": [1, 4, 4]}, {net.add("Relu", y): None}))
    cut = check(path).cut
    assert cut == Cut((y,), (), 1) and check(path, ImportOptions().at(cut)).ok


def test_an_input_of_a_type_that_is_refused_is_left_out_with_what_reads_it(tmp_path: Path) -> None:
    net = Net(13)
    y = net.add("Cast", "x", to=TensorProto.FLOAT)
    model = net.model({"x": [1, 4]}, {net.add("Relu", y): None})
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    assert check(_saved(tmp_path, model)).cut == Cut((y,), (), 1)


@pytest.mark.parametrize("behind", [[], ["Flatten", "Identity"]])
def test_where_nothing_that_computes_can_be_kept_check_says_so(behind: list[str], tmp_path: Path) -> None:
    net = Net(11)
    y = net.add("Det", net.add("Flatten", "x"))
    for op in behind:
        y = net.add(op, y)
    report = check(_saved(tmp_path, net.model({"x": [1, 4, 4]}, {y: None})))
    assert report.cut is None and list(report.lines())[-1].startswith("  no part that computes anything passes")
    assert all("--" not in p.hint for p in report.problems)


def test_a_wrong_name_of_a_cut_names_near_ones_and_the_last(tmp_path: Path) -> None:
    net = Net(12)
    y = net.add("Relu", "x")
    path = _saved(tmp_path, net.model({"x": [1, 4]}, {net.add("Tanh", y): None}))
    with pytest.raises(UsageError) as raised:
        check(path, ImportOptions(outputs=("Relu_2",)))
    assert raised.value.hint == "did you mean Relu_1?; the last tensors are t1, t2"
    with pytest.raises(UsageError, match="--outputs x: that is an input"):
        check(path, ImportOptions(outputs=("x",)))
