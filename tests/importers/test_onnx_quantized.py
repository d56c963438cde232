from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

pytest.importorskip("onnxruntime")
from onnxruntime.quantization import QuantFormat, QuantType

from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx_ops.build import import_model
from edgeq_host.passes import normalize
from tests.importers.node_cases import evaluate
from tests.importers.onnx_nets import Net, quantized, residual_net, witness

FORMATS = {
    "qdq_u8s8": {"quant_format": QuantFormat.QDQ, "activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8},
    "qdq_s8_per_channel": {
        "quant_format": QuantFormat.QDQ,
        "activation_type": QuantType.QInt8,
        "weight_type": QuantType.QInt8,
        "per_channel": True,
    },
    "qoperator_u8u8": {"quant_format": QuantFormat.QOperator, "activation_type": QuantType.QUInt8, "weight_type": QuantType.QUInt8},
    "qoperator_u8s8_per_channel": {
        "quant_format": QuantFormat.QOperator,
        "activation_type": QuantType.QUInt8,
        "weight_type": QuantType.QInt8,
        "per_channel": True,
    },
}


def _samples(count: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(7)
    return [{"x": rng.normal(0, 1, (1, 3, 16, 16)).astype(np.float32)} for _ in range(count)]


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_quantized_network_keeps_its_scales_and_agrees_with_onnxruntime(format_: str, seed: int, tmp_path: Path) -> None:
    model = quantized(residual_net(seed, batch_norm=False), tmp_path, _samples(8), **FORMATS[format_])
    graph = normalize(import_model(model, format_, ImportOptions()))
    graph.validate()
    assert not [n.name for n in graph.nodes if n.op == "transpose"]
    convolutions = [n for n in graph.nodes if n.op in ("conv2d_f32", "depthwise_conv2d_f32", "fully_connected_f32")]
    assert len(convolutions) == 5
    for node in convolutions:
        assert graph.tensors[node.inputs[1]].quant is not None, f"{node.name} has lost the scale of its weight"
        assert graph.tensors[node.inputs[0]].quant is not None, f"{node.name} has lost the scale of its input"
    for sample in _samples(3):
        want, got = witness(model, sample)[0], evaluate(graph, sample)[0]
        assert np.abs(got - want).max() <= 0.04 * np.ptp(want), "more than the steps of a few roundings"


def test_uint8_constants_and_activations_are_shifted_by_128() -> None:
    net = Net(3)
    scale, zero = net.const(np.float32(0.05)), net.const(np.uint8(130))
    q = net.add("QuantizeLinear", "x", scale, zero)
    weight = net.const(net.rng.integers(0, 256, (4, 3, 1, 1)).astype(np.uint8))
    parts = [weight, net.const(np.float32(0.01)), net.const(np.uint8(120))]
    y = net.add("QLinearConv", q, scale, zero, *parts, net.const(np.float32(0.1)), net.const(np.uint8(100)))
    model = net.model({"x": [1, 3, 4, 4]}, {y: [1, 4, 4, 4]}, {y: onnx.TensorProto.UINT8})
    graph = normalize(import_model(model, "uint8", ImportOptions()))
    node = graph.nodes[-1]
    held = graph.tensors[node.inputs[1]]
    assert held.data is not None and held.data.dtype == np.int8 and held.quant is not None and held.quant.zero.tolist() == [-8]
    assert graph.tensors[node.inputs[0]].quant.zero.tolist() == [2]  # type: ignore[union-attr]
    assert graph.outputs[0].dtype == "u8" and graph.tensors[graph.outputs[0].tensor].quant.zero.tolist() == [-28]  # type: ignore[union-attr]
    x = net.rng.normal(0, 2, (1, 3, 4, 4)).astype(np.float32)
    want, got = witness(model, {"x": x})[0], evaluate(graph, {"x": x})[0]
    assert got.dtype == np.uint8 and np.abs(got.astype(int) - want).max() <= 1


def test_a_value_that_is_read_both_rounded_and_as_it_is_stays_two_tensors() -> None:
    net = Net(4)
    y = net.conv("x", 3, 3, 1)
    q = net.add("QuantizeLinear", y, net.const(np.float32(0.5)), net.const(np.int8(3)))
    rounded = net.add("DequantizeLinear", q, net.const(np.float32(0.5)), net.const(np.int8(3)))
    out = net.add("Sub", y, rounded)
    model = net.model({"x": [1, 3, 4, 4]}, {out: [1, 3, 4, 4]})
    graph = normalize(import_model(model, "two", ImportOptions()))
    x = net.rng.normal(0, 2, (1, 3, 4, 4)).astype(np.float32)
    np.testing.assert_allclose(evaluate(graph, {"x": x})[0], witness(model, {"x": x})[0], atol=1e-5)


def test_no_fusion_crosses_a_scale_of_the_source() -> None:
    net = Net(5)
    pair = (net.const(np.float32(0.05)), net.const(np.int8(0)))
    y = net.add("DequantizeLinear", net.add("QuantizeLinear", net.conv("x", 3, 3, 1), *pair), *pair)
    out = net.add("Relu", y)
    graph = normalize(import_model(net.model({"x": [1, 3, 4, 4]}, {out: None}), "scale", ImportOptions()))
    assert [n.op for n in graph.nodes] == ["conv2d_f32", "clip_f32"]
    assert graph.tensors[graph.nodes[0].outputs[0]].quant is not None
