from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq_host.data import Data, Sample
from edgeq_host.diagnose import diagnose
from edgeq_host.export import Bundle, Variant, to_bytes
from edgeq_host.graph import Array, Edge, Graph
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx_ops.build import import_model
from edgeq_host.passes import normalize
from edgeq_host.quant import quantize
from edgeq_host.recipe import Recipe
from edgeq_host.scores import evaluate, output_sqnr
from edgeq_host.session import Session
from edgeq_runtime import native
from tests.importers.onnx_nets import Net as OnnxNet
from tests.importers.qonnx_nets import bipolar, layer, norm
from tests.quant.graphs import residual, samples


def data(inputs: list[list[Array]]) -> Data:
    return Data(None, len(inputs), False, lambda: iter([Sample(x, None) for x in inputs]))


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
