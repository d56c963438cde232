from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq_host.data import Data, Sample
from edgeq_host.diagnose import Layer
from edgeq_host.diagnose import diagnose as diagnosed
from edgeq_host.export import Bundle, Variant, to_bytes
from edgeq_host.graph import Array, Edge, Graph
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx_ops.build import import_model
from edgeq_host.passes import normalize
from edgeq_host.quant import quantize
from edgeq_host.recipe import Layer as RecipeLayer
from edgeq_host.recipe import Recipe
from edgeq_host.scores import evaluate, output_sqnr
from edgeq_host.session import Session
from edgeq_runtime import native
from tests.importers.onnx_nets import Net as OnnxNet
from tests.importers.qonnx_nets import bipolar, layer, norm
from tests.quant.graphs import residual, samples


def data(inputs: list[list[Array]]) -> Data:
    return Data(None, len(inputs), False, lambda: iter([Sample(x, None) for x in inputs]))


def diagnose(reference: Graph, quantized: Graph, inputs: Data) -> tuple[Layer, ...]:
    """Every operator is in a row, or in one's `before`."""
    found = diagnosed(reference, quantized, inputs)
    assert not found.not_compared
    assert {n.name for n in quantized.nodes} == {name for x in found.layers for name in (*x.before, x.name)}
    assert all(len(x.ops) == len(x.before) + 1 and x.ops[-1] == x.op for x in found.layers)
    return found.layers


@pytest.fixture(scope="module")
def pair() -> tuple[Graph, Graph]:
    graph = residual()
    return graph, quantize(graph, samples(graph, 64), Recipe())


def test_every_int8_layer_has_a_row_in_order(pair: tuple[Graph, Graph]) -> None:
    layers = diagnose(*pair, data(samples(pair[0], 10)))
    assert [layer.name for layer in layers] == [n.name for n in pair[1].nodes]
    assert all(layer.alone_db > 25 and layer.accumulated_db > 15 for layer in layers if layer.op != "softmax_s8")
    assert not any(layer.outside or layer.clipped for layer in layers)


def test_errors_accumulate_and_the_last_layer_has_that_of_the_output(pair: tuple[Graph, Graph]) -> None:
    inputs = data(samples(pair[0], 10, seed=3))
    layers = {layer.op: layer for layer in diagnose(*pair, inputs)}
    assert layers["fully_connected_s8"].accumulated_db < layers["fully_connected_s8"].alone_db
    assert layers["softmax_s8"].accumulated_db == pytest.approx(output_sqnr(pair[1], pair[0], inputs)[0], abs=1e-3)


def test_a_broken_layer_stands_out_alone_and_the_ones_after_it_do_not(pair: tuple[Graph, Graph]) -> None:
    broken = pair[1].copy()
    name = next(n for n in broken.nodes if n.op == "conv2d_s8" and n.outputs[0] == "b").inputs[1]
    tensor = broken.tensors[name]
    broken.tensors[name] = tensor.__class__(name, tensor.shape, "s8", np.roll(tensor.data, 1, axis=0), tensor.quant)
    layers = {layer.name: layer for layer in diagnose(pair[0], broken, data(samples(pair[0], 10)))}
    assert min(layers.values(), key=lambda layer: layer.alone_db).name == "b.node"
    assert layers["m.node"].alone_db > 25 and layers["m.node"].accumulated_db < 15


def test_louder_data_than_in_calibration_is_outside_and_clipped(pair: tuple[Graph, Graph]) -> None:
    loud = [[x * 3 for x in sample] for sample in samples(pair[0], 10)]
    layers = diagnose(*pair, data(loud))
    assert layers[0].outside and layers[0].seen[1] > layers[0].calibrated[1]
    assert sum(layer.clipped for layer in layers) > 0


def test_a_graph_a_session_and_a_file_score_the_same(pair: tuple[Graph, Graph]) -> None:
    file = native.Model(to_bytes(Bundle("net", [Variant("int8", pair[1])])))
    inputs = data(samples(pair[0], 20))
    found = {evaluate(model, inputs, "agreement", reference=pair[0]) for model in (pair[1], Session(pair[1]), file)}
    assert len(found) == 1


@pytest.mark.parametrize("dtype", ["s8", "u8"])
def test_integer_outputs_are_scored_as_what_they_stand_for(pair: tuple[Graph, Graph], dtype: str) -> None:
    raw = pair[1].copy()
    edge = raw.outputs[0]
    raw.outputs = [Edge(edge.name, edge.tensor, edge.shape, edge.permutation, dtype)]
    inputs = data(samples(pair[0], 10))
    wanted = output_sqnr(pair[1], pair[0], inputs)
    assert output_sqnr(raw, pair[0], inputs) == pytest.approx(wanted)
    assert output_sqnr(native.Model(to_bytes(Bundle("net", [Variant("int8", raw)]))), pair[0], inputs) == pytest.approx(wanted)


def test_layers_of_signs_have_rows_too() -> None:
    net = OnnxNet(1, opset=15)
    x = layer(net, bipolar(net, "x", 0.5), net.rng.normal(0, 1, (32, 64)), 0.25)
    y = layer(net, bipolar(net, norm(net, x, 32)), net.rng.normal(0, 1, (7, 32)))
    graph = normalize(import_model(net.model({"x": [1, 64]}, {y: None}), "net", ImportOptions()))
    made = quantize(graph, None, Recipe())
    layers = diagnose(graph, made, data([[net.rng.normal(0, 1, (1, 64)).astype(np.float32)] for _ in range(5)]))
    assert [layer.op for layer in layers] == ["sign_b1", "fully_connected_b1", "fully_connected_b1"]
    assert all(layer.alone_db == layer.accumulated_db == np.inf for layer in layers)
    weight = made.tensors[made.nodes[1].inputs[1]]
    assert weight.data is not None
    made.tensors[weight.name] = replace(weight, data=(-weight.data).astype(np.int8))
    damaged = diagnose(graph, made, data([[net.rng.normal(0, 1, (1, 64)).astype(np.float32)] for _ in range(5)]))
    assert damaged[0].alone_db == np.inf and damaged[1].alone_db < 10 and damaged[2].alone_db == np.inf > damaged[2].accumulated_db


@pytest.mark.parametrize("precision", ["binary", "w4a1", "w8a16", "w1a16", "w4a4", "ternary"])
def test_every_operator_of_any_width_is_in_a_row_or_measured_with_the_one_behind(precision: str) -> None:
    graph = residual()
    made = quantize(graph, samples(graph, 64), Recipe(precision))
    rows = diagnose(graph, made, data(samples(graph, 10)))
    first, last = rows[0], rows[-1]
    assert first.alone_db > 25 and not first.behind_signs and last.name == "y.node"
    joined = {x.name: x.ops for x in rows if x.before}
    if precision.endswith("a16"):
        assert last.ops == ("requantize_s16", "softmax_s8") and last.alone_db > 15
    if precision == "binary":
        assert joined["b.node"] == ("sign_b1", "conv2d_b1")


def test_behind_signs_that_quantize_put_in_the_data_is_not_said_to_go_beyond_calibration() -> None:
    graph, loud = residual(), data([[x * 3 for x in sample] for sample in samples(residual(), 10)])
    rows = diagnose(graph, quantize(graph, samples(graph, 64), Recipe("binary")), loud)
    assert rows[0].outside and not rows[0].behind_signs
    behind = [x for x in rows if x.behind_signs]
    assert behind and not any(x.outside for x in behind)
    assert any(x.seen[1] > x.calibrated[1] + 1 for x in behind)


def test_a_sum_that_ends_in_a_threshold_is_measured_with_its_sign() -> None:
    net = OnnxNet(1, opset=15)
    sums = net.add("MatMul", "x", net.weight(64, 32))
    x = layer(net, bipolar(net, norm(net, sums, 32)), net.rng.normal(0, 1, (7, 32)))
    graph = normalize(import_model(net.model({"x": [1, 64]}, {x: None}), "net", ImportOptions()))
    inputs = [[net.rng.normal(0, 1, (1, 64)).astype(np.float32)] for _ in range(64)]
    rows = diagnose(graph, quantize(graph, inputs, Recipe()), data(inputs[:20]))
    assert rows[0].ops == ("fully_connected_s8", "sign_b1") and 10 < rows[0].alone_db < np.inf and not rows[0].behind_signs


def test_what_cannot_be_compared_is_named_with_the_reason() -> None:
    graph = residual()
    recipe = Recipe(layer=(RecipeLayer("d.node", "float32"),))
    made = quantize(graph, samples(graph, 64), recipe)
    rows = diagnose(graph, made, data(samples(graph, 5)))
    assert ("dequantize_s8", "fully_connected_f32", "quantize_s8") in {x.ops for x in rows}
    ended = Graph(made.name, made.tensors, [n for n in made.nodes if n.name != "y.node"], made.inputs, made.outputs)
    ended.nodes = [n for n in ended.nodes if not n.op.startswith("quantize_")]
    ended.outputs = [replace(made.outputs[0], tensor="d/f32", shape=(1, 5))]
    left = {x.op: x.reason for x in diagnosed(graph, ended, data(samples(graph, 5))).not_compared}
    assert set(left) == {"dequantize_s8", "fully_connected_f32"} and set(left.values()) == {
        "computes in float32, or converts to or from it"
    }
