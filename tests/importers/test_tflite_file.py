"""What a TFLite file says beside its operators: types, scales, edges, where it may be cut, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq_host.errors import ModelError, UnsupportedError, UsageError
from edgeq_host.graph import Graph
from edgeq_host.importers import tflite
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.cuts import Cut
from tests.importers.float_run import evaluate, real
from tests.importers.tflite_writer import Net, outputs, witness

rng = np.random.default_rng(9)


def read(folder: Path, net: Net, *outs: int, **options: object) -> Graph:
    path = folder / "net.tflite"
    path.write_bytes(net.data(*outs))
    graph = tflite.read(path, ImportOptions(**options))  # type: ignore[arg-type]
    graph.validate()
    return graph


def chain(net: Net) -> list[int]:
    """input -> relu -> tanh -> sigmoid, by the names a, b, c."""
    x = net.input((0, 4), name="x")
    found = [x]
    for code, name in (("RELU", "a"), ("TANH", "b"), ("LOGISTIC", "c")):
        found.append(net.op(code, [found[-1]], [net.tensor((0, 4), name=name)]))
    return found


def test_an_unknown_batch_becomes_one(tmp_path: Path) -> None:
    net = Net()
    graph = read(tmp_path, net, chain(net)[-1])
    assert [e.shape for e in (*graph.inputs, *graph.outputs)] == [(1, 4), (1, 4)]


def test_a_given_shape_replaces_the_input_shape(tmp_path: Path) -> None:
    net = Net()
    graph = read(tmp_path, net, chain(net)[-1], shapes={"x": (3, 7)})
    assert graph.outputs[0].shape == (3, 7)


def test_a_shape_of_another_rank_is_refused_with_an_example(tmp_path: Path) -> None:
    net = Net()
    with pytest.raises(UsageError, match="1 dimensions") as caught:
        read(tmp_path, net, chain(net)[-1], shapes={"x": (3,)})
    assert caught.value.hint == "for example --shape x=8,4"


def test_a_shape_for_an_unknown_input_names_those_there_are(tmp_path: Path) -> None:
    net = Net()
    with pytest.raises(UsageError) as caught:
        read(tmp_path, net, chain(net)[-1], shapes={"y": (1,)})
    assert "x" in caught.value.hint


def test_a_cut_keeps_what_lies_between(tmp_path: Path) -> None:
    net = Net()
    graph = read(tmp_path, net, chain(net)[-1], inputs=("a",), outputs=("b",))
    assert [n.op for n in graph.nodes] == ["tanh_f32"]
    assert [e.name for e in (*graph.inputs, *graph.outputs)] == ["a", "b"]


def test_a_cut_at_a_name_that_is_not_there_names_what_is_near(tmp_path: Path) -> None:
    net = Net()
    x = net.input((2,), name="features")
    out = net.op("RELU", [x], [net.tensor((2,), name="scores")])
    with pytest.raises(UsageError) as caught:
        read(tmp_path, net, out, outputs=("score",))
    assert "scores" in caught.value.hint


def test_a_cut_that_needs_another_input_says_which(tmp_path: Path) -> None:
    net = Net()
    a, b = net.input((2,), name="a"), net.input((2,), name="b")
    mid = net.op("RELU", [a], [net.tensor((2,), name="mid")])
    out = net.op("ADD", [mid, b], [net.tensor((2,), name="out")], "AddOptions")
    with pytest.raises(UsageError) as caught:
        read(tmp_path, net, out, inputs=("mid",))
    assert "--inputs mid,b" in caught.value.hint


def test_a_cut_before_what_is_not_supported_makes_the_model_pass(tmp_path: Path) -> None:
    net = Net()
    good = net.op("RELU", [net.input((4,))], [net.tensor((4,), name="good")])
    bad = net.op("COS", [good], [net.tensor((4,))], "CosOptions")
    with pytest.raises(UnsupportedError) as caught:
        read(tmp_path, net, bad)
    assert "COS" in caught.value.problems[0] and "edgeq check" in caught.value.hint
    assert read(tmp_path, net, bad, outputs=("good",)).outputs[0].name == "good"


def test_every_problem_is_listed_at_once(tmp_path: Path) -> None:
    net = Net()
    x = net.input((4,))
    first = net.op("COS", [x], [net.tensor((4,), name="first")], "CosOptions")
    second = net.op("RELU", [first], [net.tensor((4,), name="second")])
    third = net.op("SIN", [second], [net.tensor((4,), name="third")])
    parts = [net.tensor((2,), name=f"p{i}") for i in range(3)]
    fourth = net.op("SPLIT", [net.const(np.asarray(0, np.int32)), third], parts, "SplitOptions")
    with pytest.raises(UnsupportedError) as caught:
        read(tmp_path, net, fourth)
    assert [p.split()[2] for p in caught.value.problems] == ["COS", "SIN", "SPLIT"]
    assert all(p in caught.value.message for p in caught.value.problems)


def quantized_dense(net: Net, kind: str, zero: int, w_zero: int) -> int:
    x = net.input((3, 6), kind, scale=0.05, zero=zero)
    low, dtype = (0, np.uint8) if kind == "UINT8" else (-127, np.int8)
    w = net.const(rng.integers(low, low + 254, (4, 6), dtype, endpoint=True), scale=0.02, zero=w_zero)
    b = net.const(rng.integers(-900, 900, 4).astype(np.int32), scale=0.001)
    y = net.tensor((3, 4), kind, scale=0.2, zero=zero + 3)
    return net.op("FULLY_CONNECTED", [x, w, b], [y], "FullyConnectedOptions")


@pytest.mark.parametrize(("kind", "zero", "w_zero"), [("INT8", -7, 0), ("UINT8", 120, 131)])
def test_scales_zero_points_and_integers_are_kept(kind: str, zero: int, w_zero: int, tmp_path: Path) -> None:
    net = Net()
    graph = read(tmp_path, net, quantized_dense(net, kind, zero, w_zero))
    shift = 128 if kind == "UINT8" else 0
    (node,) = graph.nodes
    x, w, b = (graph.tensors[name] for name in node.inputs)
    assert x.quant is not None and w.quant is not None and b.quant is not None and w.data is not None and b.data is not None
    assert (float(x.quant.scale[0]), int(x.quant.zero[0])) == (pytest.approx(0.05), zero - shift)
    assert (w.dtype, int(w.quant.zero[0])) == ("s8", w_zero - shift)
    assert (b.dtype, b.quant.scale[0]) == ("s32", x.quant.scale[0] * w.quant.scale[0])
    assert [e.dtype for e in (*graph.inputs, *graph.outputs)] == [("u8" if shift else "s8")] * 2
    ints = rng.integers(0, 255, (3, 6), np.uint8, endpoint=True).view(np.uint8 if shift else np.int8)
    want = outputs(witness(tmp_path / "net.tflite", ints))[0]
    out = graph.outputs[0]
    assert np.abs(evaluate(graph, ints)[0] - real(want, out, graph.tensors[out.tensor].quant)).max() <= 0.51 * 0.2


def test_int4_weights_are_unpacked(tmp_path: Path) -> None:
    net = Net()
    w = net.const(np.asarray([0x21, 0xF8, 0x7C], np.uint8).reshape(3), "INT4", scale=0.5)
    net.tensors[w].shape = [2, 3]
    out = net.op("FULLY_CONNECTED", [net.input((1, 3)), w, -1], [net.tensor((1, 2))], "FullyConnectedOptions")
    graph = read(tmp_path, net, out)
    np.testing.assert_array_equal(graph.tensors[graph.nodes[0].inputs[1]].data, [[1, 2, -8], [-1, -4, 7]])


def test_quantize_and_dequantize_at_the_edges_leave_no_node(tmp_path: Path) -> None:
    net = Net()
    q = net.op("QUANTIZE", [net.input((2, 3))], [net.tensor((2, 3), "INT8", scale=0.1, zero=4)], "QuantizeOptions")
    y = net.op("TANH", [q], [net.tensor((2, 3), "INT8", scale=1 / 128)])
    out = net.op("DEQUANTIZE", [y], [net.tensor((2, 3))], "DequantizeOptions")
    graph = read(tmp_path, net, out)
    assert [n.op for n in graph.nodes] == ["tanh_f32"]
    assert [e.dtype for e in (*graph.inputs, *graph.outputs)] == ["f32", "f32"]
    assert all(graph.tensors[e.tensor].quant is not None for e in (*graph.inputs, *graph.outputs))


def test_uint8_to_int8_of_the_same_scale_is_nothing(tmp_path: Path) -> None:
    net = Net()
    x = net.input((2, 3), "UINT8", scale=0.1, zero=130)
    q = net.op("QUANTIZE", [x], [net.tensor((2, 3), "INT8", scale=0.1, zero=2)], "QuantizeOptions")
    y = net.op("TANH", [q], [net.tensor((2, 3), "INT8", scale=1 / 128)])
    graph = read(tmp_path, net, y)
    assert [n.op for n in graph.nodes] == ["tanh_f32"]
    assert graph.inputs[0].dtype == "u8"


def test_a_change_of_scale_is_a_node(tmp_path: Path) -> None:
    net = Net()
    x = net.input((2, 3), "INT8", scale=0.1, zero=2)
    out = net.op("QUANTIZE", [x], [net.tensor((2, 3), "INT8", scale=0.2, zero=-5)], "QuantizeOptions")
    graph = read(tmp_path, net, out)
    assert [n.op for n in graph.nodes] == ["clip_f32"]
    quant = graph.tensors[graph.outputs[0].tensor].quant
    assert quant is not None and quant.scale[0] == pytest.approx(0.2)


def test_a_constant_that_is_quantized_becomes_integers(tmp_path: Path) -> None:
    net = Net()
    c = net.op("QUANTIZE", [net.const(np.float32([0.0, 0.26, -9.0]))], [net.tensor((3,), "INT8", scale=0.05, zero=1)], "QuantizeOptions")
    x = net.input((3,), "INT8", scale=0.05, zero=1)
    out = net.op("ADD", [x, c], [net.tensor((3,), "INT8", scale=0.1)], "AddOptions")
    graph = read(tmp_path, net, out)
    np.testing.assert_array_equal(graph.tensors[graph.nodes[0].inputs[1]].data, [1, 6, -128])


def test_the_range_of_eight_bits_bounds_an_output(tmp_path: Path) -> None:
    net = Net()
    x = net.input((3,), "UINT8", scale=0.1, zero=100)
    out = net.op("ADD", [x, x], [net.tensor((3,), "UINT8", scale=6 / 255)], "AddOptions")
    attrs = read(tmp_path, net, out).nodes[0].attrs
    assert (attrs["lo"], attrs["hi"]) == (pytest.approx(0), pytest.approx(6))


def test_sixteen_bit_activations_are_refused(tmp_path: Path) -> None:
    net = Net()
    x = net.input((3,), "INT16", scale=0.1)
    with pytest.raises(UnsupportedError, match="INT16"):
        read(tmp_path, net, net.op("TANH", [x], [net.tensor((3,), "INT16", scale=0.1)]))


def test_an_integer_output_without_a_scale_is_refused(tmp_path: Path) -> None:
    net = Net()
    with pytest.raises(UnsupportedError, match="INT8 without a scale"):
        read(tmp_path, net, net.op("TANH", [net.input((3,))], [net.tensor((3,), "INT8")]))


def test_whole_numbers_pass_through_movers(tmp_path: Path) -> None:
    net = Net()
    out = net.op("TRANSPOSE", [net.input((2, 3), "INT32"), net.const(np.int32([1, 0]))], [net.tensor((3, 2), "INT32")], "TransposeOptions")
    graph = read(tmp_path, net, out)
    assert [e.dtype for e in (*graph.inputs, *graph.outputs)] == ["s32", "s32"]
    x = rng.integers(-(2**31), 2**31, (2, 3)).astype(np.int32)
    np.testing.assert_array_equal(evaluate(graph, x)[0], x.T)


def test_computed_weights_are_refused(tmp_path: Path) -> None:
    net = Net()
    x, w = net.input((1, 4, 4, 2)), net.input((3, 1, 1, 2))
    with pytest.raises(UnsupportedError, match=r"weights .* are computed"):
        read(tmp_path, net, net.op("CONV_2D", [x, w, -1], [net.tensor((1, 4, 4, 3))], "Conv2DOptions", strideH=1, strideW=1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda net: net.operators[0].inputs.__setitem__(0, 99), "names tensor 99"),
        (lambda net: setattr(net.operators[0], "opcodeIndex", 7), "has code 7 of 1"),
        (lambda net: setattr(net.tensors[0], "buffer", 55), "buffer 55"),
        (lambda net: setattr(net.tensors[1], "shape", [5, 6]), "needs 30"),
        (lambda net: setattr(net.tensors[1].quantization, "scale", np.float32([np.nan])), "not a positive number"),
        (lambda net: setattr(net.tensors[1].quantization, "zeroPoint", np.asarray([999])), "zero point outside"),
        (lambda net: setattr(net.tensors[1].quantization, "scale", np.float32([1, 2, 3])), "3 scales"),
        (lambda net: setattr(net.tensors[1], "shape", [-2, 6]), "has the shape"),
        (lambda net: setattr(net.operators[0], "builtinOptionsType", 1), "not FullyConnectedOptions"),
        (lambda net: setattr(net.operators[0], "outputs", []), "no output|before an operator"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused_with_what_is_wrong(change, message: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    net = Net()
    out = quantized_dense(net, "INT8", 0, 0)
    change(net)
    with pytest.raises(ModelError, match=message) as caught:
        read(tmp_path, net, out)
    assert caught.value.hint


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\x1c\0\0\0TFL3", b"\xff" * 4 + b"TFL3" + b"\xff" * 100, b"#!/bin/sh"])
def test_what_is_no_model_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "no.tflite"
    path.write_bytes(data)
    with pytest.raises(ModelError) as caught:
        tflite.read(path, ImportOptions())
    assert caught.value.hint and str(path) in caught.value.message


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        tflite.read(tmp_path / "none.tflite", ImportOptions())


def test_a_survey_finds_the_cut_that_makes_a_model_pass(tmp_path: Path) -> None:
    net = Net()
    good = net.op("RELU", [net.input((4,))], [net.tensor((4,), name="good")])
    fine = net.op("TANH", [good], [net.tensor((4,), name="fine")])
    bad = net.op("COS", [good], [net.tensor((4,), name="bad")], "CosOptions")
    (tmp_path / "net.tflite").write_bytes(net.data(fine, net.op("RELU", [bad], [net.tensor((4,), name="behind")])))
    found = tflite.survey(tmp_path / "net.tflite", ImportOptions())
    assert found.graph is None and len(found.problems) == 1
    assert found.operators == {"RELU": 2, "TANH": 1, "COS": 1}
    assert found.cut == Cut((), ("good", "fine"), 2)
    tflite.read(tmp_path / "net.tflite", ImportOptions().at(found.cut)).validate()


def test_a_survey_of_a_good_model_has_its_graph(tmp_path: Path) -> None:
    net = Net()
    (tmp_path / "net.tflite").write_bytes(net.data(chain(net)[-1]))
    found = tflite.survey(tmp_path / "net.tflite", ImportOptions())
    assert not found.problems and found.graph is not None and len(found.graph.nodes) == 3


def test_an_input_is_no_output_and_a_wrong_name_names_the_last_tensors(tmp_path: Path) -> None:
    net = Net()
    x = net.tensor((4,), name="first")
    net.inputs.append(x)
    y = net.op("RELU", [x], [net.tensor((4,), name="last")])
    (tmp_path / "net.tflite").write_bytes(net.data(y))
    with pytest.raises(UsageError, match="first: that is an input"):
        tflite.read(tmp_path / "net.tflite", ImportOptions(outputs=("first",)))
    with pytest.raises(UsageError) as raised:
        tflite.read(tmp_path / "net.tflite", ImportOptions(outputs=("lasts",)))
    assert raised.value.hint == "did you mean last?; the last tensors are last"
