"""Activations of fewer bits that a source states: their integers lie further apart in int8, so biases and means keep a fraction."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx_ops.build import import_model
from edgeq_host.passes import normalize
from edgeq_host.quant import quantize_reported
from edgeq_host.recipe import Recipe
from edgeq_host.session import Session
from tests.importers.onnx_nets import Net
from tests.importers.qonnx_nets import quant
from tests.importers.qonnx_reference import evaluator


def _net(bits: int, weights: int) -> onnx.ModelProto:
    net = Net(bits, opset=15)
    x = quant(net, "x", 1 / 64, 8, signed=1, narrow=0)
    for inputs, outputs in ((3, 16), (16, 24)):
        w = quant(net, net.weight(outputs, inputs, 3, 3, scale=1.0), 0.5, weights, signed=1, narrow=1)
        x = net.batch_norm(net.add("Conv", x, w, kernel_shape=[3, 3], pads=[1, 1, 1, 1]), outputs)
        x = quant(net, net.add("Relu", x), 0.7, bits, signed=0, narrow=0)
    held = net.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    w = quant(net, net.weight(24, 5, scale=1.0), 0.25, weights, signed=1, narrow=1)
    y = net.add("MatMul", net.add("Flatten", net.add("GlobalAveragePool", held)), w)
    return net.model({"x": [1, 3, 8, 8]}, {y: [1, 5]})


@pytest.mark.parametrize("weights", [2, 4])
@pytest.mark.parametrize("bits", [1, 2, 3, 4, 8])
def test_outputs_stay_near_the_definition(bits: int, weights: int) -> None:
    model = _net(bits, weights)
    reference, rng = evaluator(model), np.random.default_rng(0)
    inputs = [rng.normal(0, 1, (1, 3, 8, 8)).astype(np.float32) for _ in range(64)]
    wanted = np.stack([reference.run(None, {"x": x})[0] for x in inputs])
    graph = normalize(import_model(model, "net", ImportOptions()))
    made = quantize_reported(graph, [[x] for x in inputs], Recipe())
    assert not made.islands
    kinds = {"conv2d_s8", "fully_connected_s8"}
    assert {made.graph.tensors[n.inputs[1]].dtype for n in made.graph.nodes if n.op in kinds} == {{2: "s2", 4: "s4"}[weights]}
    session = Session(made.graph)
    found = np.stack([session.run(x)[0] for x in inputs])
    assert np.abs(found - wanted).mean() < 0.05 * wanted.std()
    assert np.mean(found.argmax(axis=2) == wanted.argmax(axis=2)) > 0.9
