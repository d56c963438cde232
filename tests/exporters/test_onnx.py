"""ONNX QDQ from .eqm files: the same integers on onnxruntime to one step, layouts of the source, refusals that name every layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgeq_host.errors import UnsupportedError
from edgeq_host.export import unpack
from edgeq_host.export.read_graph import to_graph
from edgeq_host.exporters.onnx import export, from_file
from edgeq_host.exporters.onnx_ops import RULES
from edgeq_host.graph import Graph, Quant
from edgeq_host.produce import Source, produce
from edgeq_host.quant import quantize
from edgeq_host.recipe import Recipe
from edgeq_host.session import Session
from edgeq_runtime import lists
from tests.exporters.onnx_run import as_ours, layers, outputs
from tests.networks import zoo
from tests.quant.graphs import OPEN, Net, residual, samples, scale
from tests.quant.test_rules import CASES

DIGITS = Path(__file__).parents[2] / "examples" / "digits"


def written(graph: Graph) -> Graph:
    """As an .eqm file gives it back: without scales of constants, which export must not need."""
    from edgeq_host.export import Bundle, Variant, to_bytes

    tables = unpack(to_bytes(Bundle("net", [Variant("int8", graph)])), "net")
    return to_graph(tables, tables.variants[0], {})


OF_SIGNS = {"sign_b1", "unpack_s8", "conv2d_b1", "fully_connected_b1"}  # QDQ has no tensor of signs


@pytest.mark.parametrize("name", [name for name in CASES if name != "sign"])
def test_every_layer_differs_by_at_most_one_step(name: str) -> None:
    data = samples(CASES[name][0](), 3)
    graph = written(quantize(CASES[name][0](), data, Recipe()))
    for found in layers(graph, data[0]):
        assert found.largest <= 1 and found.different <= 0.05 * found.total, found  # ties round up here, to even there


@pytest.mark.parametrize(("precision", "group"), [("w4a8", 0), ("w4a8", 32), ("w2a4", 64), ("ternary", 32), ("w1a8", 0)])
def test_layers_of_narrow_weights_differ_by_at_most_one_step(precision: str, group: int) -> None:
    net = Net()
    x = net.conv(net.conv(net.input("x", (1, 4, 4, 3)), "a", 80, pad=1), "b", 72)
    graph = net.graph(net.dense(net.dense(net.node("reshape", [x], "r", (1, 4 * 72)), "d", 40), "y", 5))
    data = samples(graph, 3)
    narrow = written(quantize(graph, data, Recipe(precision, group=group)))
    assert any(len(n.inputs) == 4 for n in narrow.nodes) == bool(group)
    for found in layers(narrow, data[0]):
        assert found.largest <= 1 and found.different <= 0.05 * found.total, found


def _image(op: str, shape: tuple[int, ...], constants: list[np.ndarray], **attrs: Any) -> Graph:
    """After a convolution, so that its input lies as ONNX wants images."""
    net = Net()
    x = net.conv(net.input("x", (1, 6, 6, 4)), "c", 4, pad=1)
    names = [net.constant(f"k{i}", c) for i, c in enumerate(constants)]
    return net.graph(net.node(op, [x, *names], "y", shape, **attrs))


def _resize(places: np.ndarray) -> list[np.ndarray]:
    tables = [np.floor(places).astype(np.int32), (places - np.floor(places)).astype(np.float32)]
    return tables * 2


ROWS = np.arange(9, dtype=np.float64)
GROUPED = {"stride_h": 2, "stride_w": 2, "dilation_h": 1, "dilation_w": 1, "pad_top": 1, "pad_left": 1, "groups": 2}
SHAPES: dict[str, Callable[[], Graph]] = {
    "half_pixel": lambda: _image("resize_bilinear_f32", (1, 9, 9, 4), _resize(np.clip((ROWS + 0.5) * 6 / 9 - 0.5, 0, 5))),
    "align_corners": lambda: _image("resize_bilinear_f32", (1, 9, 9, 4), _resize(ROWS * 5 / 8)),
    "no mode of Resize": lambda: _image("resize_bilinear_f32", (1, 9, 9, 4), _resize(np.sqrt(ROWS * 25 / 8))),
    "backwards": lambda: _image("slice", (1, 6, 3, 4), [], begin=[0, 5, 5, 0, 0, 0], step=[1, -1, -2, 1, 1, 1]),
    "grouped": lambda: _image(
        "transpose_conv2d_f32",
        (1, 12, 12, 6),
        [np.random.default_rng(1).normal(size=(6, 3, 3, 2)).astype(np.float32), np.ones(6, np.float32)],
        **GROUPED,
        **OPEN,
    ),
    "other axes": lambda: _image("transpose", (1, 4, 6, 6), [], perm=[0, 3, 2, 1, 0, 0]),
    "dropped axes": lambda: _image("reduce_f32", (6, 4), [], kind=1, axes=0b0101),
    "flat": lambda: _image("reshape", (1, 144), []),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_and_layouts_that_onnx_says_otherwise_keep_their_values(name: str) -> None:
    data = samples(SHAPES[name](), 3)
    graph = written(quantize(SHAPES[name](), data, Recipe()))
    assert all(found.largest <= 1 for found in layers(graph, data[0]))
    (a,), (b,) = outputs(export(graph, name), data[0]), Session(graph).run(*data[0])
    held = graph.tensors[graph.outputs[0].tensor].quant
    assert held is not None and a.shape == b.shape and np.abs(a - b).max() <= 2.01 * held.scale[0]


def test_every_int8_operator_has_a_rule() -> None:
    wanted = {name for name in lists.ops() if not name.endswith(("_f32", "_s16"))}
    assert set(RULES) == wanted - OF_SIGNS


def test_signs_are_refused_by_name() -> None:
    graph = written(quantize(CASES["sign"][0](), samples(CASES["sign"][0](), 3), Recipe()))
    with pytest.raises(UnsupportedError, match="no form in ONNX QDQ") as caught:
        export(graph, "signs")
    assert any("sign_b1" in problem and "reads or makes signs" in problem for problem in caught.value.problems)


@pytest.mark.parametrize(("precision", "reason"), [("w8a16", "has activations of 16 bits"), ("binary", "reads or makes signs")])
def test_a_width_that_is_refused_names_what_it_has_and_what_can_be_exported(precision: str, reason: str) -> None:
    graph = written(quantize(residual(), samples(residual(), 3), Recipe(precision)))
    with pytest.raises(UnsupportedError) as caught:
        export(graph, precision)
    assert any(reason in problem for problem in caught.value.problems)
    assert all(name in caught.value.hint for name in ("w4a8", "ternary", "w1a8", "w4a4", "not a1, a16 or float32"))


@pytest.mark.parametrize("precision", ["int8", "w4a8", "ternary", "w1a8", "w4a4"])
def test_every_width_that_a_refusal_names_as_possible_is(precision: str) -> None:
    assert export(written(quantize(residual(), samples(residual(), 3), Recipe(precision))), precision).model.graph.node


def test_a_network_gives_the_same_classes_whole() -> None:
    data = samples(residual(), 20)
    graph = written(quantize(residual(), data, Recipe()))
    exported, ours = export(graph, "net"), Session(graph)
    for x in data:
        (a,), (b,) = outputs(exported, x), ours.run(*x)
        assert np.abs(a - b).max() <= 3 / 256 and a.argmax() == b.argmax()


def test_values_name_every_activation_and_its_layout() -> None:
    data = samples(residual(), 3)
    graph = written(quantize(residual(), data, Recipe()))
    exported, ours = export(graph, "net"), Session(graph, keep_all=True)
    model = exported.model
    shown = {t: v for t, v in exported.values.items() if graph.tensors[t].dtype == "s8"}
    del model.graph.output[:]
    model.graph.output.extend(onnx.helper.make_tensor_value_info(v.name, onnx.TensorProto.UINT8, None) for v in shown.values())
    ours.run(*data[0])
    for (tensor, value), found in zip(shown.items(), outputs(exported, data[0]), strict=True):
        wanted = ours.tensor(tensor).transpose(value.layout)
        assert found.shape == wanted.shape and np.abs(found.astype(int) - wanted).max() <= 2, tensor


def test_edges_keep_the_layout_of_the_source() -> None:
    packed = produce(Source(DIGITS / "digits.onnx", calibration=str(DIGITS / "calibration.npz")))
    source, data = onnx.load(DIGITS / "digits.onnx"), np.load(DIGITS / "test.npz")
    exported = export(packed.graph, "digits")
    wanted = [d.dim_value for d in source.graph.input[0].type.tensor_type.shape.dim][1:]
    assert [d.dim_value for d in exported.model.graph.input[0].type.tensor_type.shape.dim][1:] == wanted
    ours, same = Session(packed.graph), 0
    images = data[next(k for k in data.files if data[k].ndim == 4)].astype(np.float32)[:50]
    for image in images:
        (a,), (b,) = outputs(exported, [image[None]]), ours.run(image[None])
        same += int(a.argmax() == b.argmax())
    assert same >= len(images) - 1


def test_integers_come_in_and_go_out_as_uint8() -> None:
    net = Net()
    x = net.input("x", (1, 4), scale(0.1, 3), "s8")
    y = net.node("add_f32", [x, net.constant("c", np.ones(4, np.float32))], "y", (1, 4), scale(0.1, -5), **OPEN)
    graph = net.graph(y)
    graph.outputs = [replace(graph.outputs[0], dtype="u8")]
    exported = export(written(quantize(graph, None, Recipe())), "net")
    kinds = [v.type.tensor_type.elem_type for v in (*exported.model.graph.input, *exported.model.graph.output)]
    assert kinds == [onnx.TensorProto.UINT8] * 2
    (found,) = outputs(exported, [np.array([[-128, 0, 1, 127]], np.int8)])
    assert found.tolist() == [[-126, 2, 3, 127]]


def test_a_refusal_names_every_layer_that_has_no_form() -> None:
    net = Net()
    x = net.node("pow_f32", [net.input("x", (1, 4)), net.constant("c", np.full(4, 2, np.float32))], "p", (1, 4))
    y = net.node("reduce_f32", [net.node("tanh_f32", [x], "t", (1, 4))], "y", (1, 1), kind=4, axes=2)
    with pytest.raises(UnsupportedError) as refused:
        export(net.graph(y), "net")
    assert [p.split("'")[1] for p in refused.value.problems] == ["p.node", "t.node", "y.node"]


def test_scales_that_contradict_the_integers_are_refused() -> None:
    data = samples(residual(), 3)
    graph = written(quantize(residual(), data, Recipe()))
    node = next(n for n in graph.nodes if n.op == "add_s8")
    held = graph.tensors[node.outputs[0]]
    assert held.quant is not None
    graph.tensors[held.name] = replace(held, quant=Quant(held.quant.scale * 2, held.quant.zero))
    with pytest.raises(UnsupportedError, match="no form") as refused:
        export(graph, "net")
    assert any("the scales in the file give" in p for p in refused.value.problems)


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo.INT8)
def test_every_layer_of_a_real_network_differs_by_at_most_one_step(assets: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "net.eqm"
    path.write_bytes(zoo.packed(assets, name))
    tables = unpack(path.read_bytes(), name)
    graph, inputs = to_graph(tables, tables.variants[0], {}), zoo.inputs_of(assets, name)
    apart = layers(graph, inputs)
    assert max(found.largest for found in apart) <= 1
    assert sum(found.different for found in apart) <= 1e-3 * sum(found.total for found in apart)
    theirs, ours = outputs(from_file(path), inputs), [as_ours(y) for y in Session(graph).run(*inputs)]
    assert theirs[0].reshape(-1).argmax() == ours[0].reshape(-1).argmax()
