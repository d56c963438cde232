"""What onnxruntime's quantizer writes, operator by operator: taken over by the importer and run in int8 by the C core."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

pytest.importorskip("onnxruntime")
from onnx import TensorProto
from onnxruntime.quantization import QuantFormat, QuantType

from edgeq_host.errors import UnsupportedError
from edgeq_host.graph import Array
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx_ops.build import import_model
from edgeq_host.passes import normalize
from edgeq_host.quant import quantize_reported
from edgeq_host.recipe import Recipe
from edgeq_host.session import Session
from tests.importers.node_cases import evaluate
from tests.importers.onnx_nets import Net, quantized, witness
from tests.importers.onnx_quantized_nets import NETWORKS, network

FORMATS: dict[str, dict[str, Any]] = {
    f"{kind.name}_{activation.name}_{weight.name}{'_per_channel' * channels}": {
        "quant_format": kind,
        "activation_type": activation,
        "weight_type": weight,
        "per_channel": channels,
    }
    for kind in (QuantFormat.QOperator, QuantFormat.QDQ)
    for activation, weight, channels in (
        (QuantType.QUInt8, QuantType.QUInt8, False),
        (QuantType.QUInt8, QuantType.QInt8, True),
        (QuantType.QInt8, QuantType.QInt8, False),
        (QuantType.QInt8, QuantType.QInt8, True),
    )
}
TOLERANCE = 0.02  # of the outputs' range: five of their steps


def samples(seed: int, count: int) -> list[dict[str, Array]]:
    rng = np.random.default_rng(seed)
    return [{"x": rng.normal(0, 1, (1, 3, 16, 16)).astype(np.float32)} for _ in range(count)]


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("name", NETWORKS)
def test_what_onnxruntime_quantizes_gives_its_outputs_and_its_decisions(
    name: str, format_: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    model = quantized(network(name), tmp_path, samples(7, 8), **FORMATS[format_])
    graph = normalize(import_model(model, name, ImportOptions()))
    graph.validate()
    int8 = quantize_reported(graph, ([s["x"]] for s in samples(7, 8)), Recipe())
    assert not int8.islands
    session = Session(int8.graph)
    inputs = samples(9, 12)
    want = np.array([witness(model, s)[0].ravel() for s in inputs])
    real = np.array([evaluate(graph, s)[0].ravel() for s in inputs])
    integers = np.array([session.run(s["x"])[0].ravel() for s in inputs])
    for found in (real, integers):
        assert np.abs(found - want).max() <= TOLERANCE * np.ptp(want)
        assert (found.argmax(axis=1) == want.argmax(axis=1)).all()


def integers_of(nodes: Callable[[Net, str, list[str]], str], dtype: type[np.integer[Any]], seed: int = 5) -> tuple[Array, Array]:
    """What an operator makes of a quantized [1, 3, 6, 5] image: onnxruntime's integers, and those of the imported graph."""
    net = Net(seed)
    point = 100 if dtype is np.uint8 else -7
    params = [net.const(np.float32(0.05)), net.const(dtype(point))]
    y = nodes(net, net.add("QuantizeLinear", "x", *params), params)
    kind = TensorProto.UINT8 if dtype is np.uint8 else TensorProto.INT8
    model = net.model({"x": [1, 3, 6, 5]}, {y: None}, {y: kind})
    x = net.rng.normal(0, 2, (1, 3, 6, 5)).astype(np.float32)
    graph = normalize(import_model(model, "integers", ImportOptions()))
    return witness(model, {"x": x})[0], evaluate(graph, {"x": x})[0]


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_padding_quantized_integers_fills_with_the_integer_that_the_file_says(dtype: type[np.integer[Any]]) -> None:
    for value in ([], [dtype(3)], [dtype(121)]):  # without one: the integer 0, which is not the real 0

        def pad(net: Net, x: str, _: list[str], value: list[Any] = value) -> str:
            return str(net.add("Pad", x, net.const(np.array([0, 0, 1, 0, 0, 0, 2, 1], np.int64)), *map(net.const, value)))

        want, got = integers_of(pad, dtype)
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_taking_from_quantized_integers_moves_them_as_they_are(dtype: type[np.integer[Any]]) -> None:
    places = np.array([[0, -1], [2, 2]], np.int64)
    want, got = integers_of(lambda net, x, _: str(net.add("Gather", x, net.const(places), axis=-1)), dtype)
    np.testing.assert_array_equal(got, want)
    repeats = np.array([1, 2, 1, 3], np.int64)
    want, got = integers_of(lambda net, x, _: str(net.add("Tile", x, net.const(repeats))), dtype)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(("axis", "opset"), [(1, 11), (1, 13), (-1, 13), (3, 11)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_softmax_of_integers_means_by_its_axis_what_its_opset_says(axis: int, opset: int, dtype: type[np.integer[Any]]) -> None:
    def softmax(net: Net, x: str, params: list[str]) -> str:
        to = [net.const(np.float32(1 / 256)), net.const(dtype(0 if dtype is np.uint8 else -128))]
        return str(net.add("QLinearSoftmax", x, *params, *to, domain="com.microsoft", axis=axis, opset=opset))

    want, got = integers_of(softmax, dtype)
    assert np.abs(got.astype(int) - want).max() <= 1


@pytest.mark.parametrize("keepdims", [0, 1])
def test_a_quantized_mean_is_that_of_the_real_values(keepdims: int) -> None:
    """onnxruntime describes QLinearReduceMean without computing it on a CPU: its definition in three nodes is the witness."""
    found: list[onnx.ModelProto] = []
    for single in (True, False):
        net = Net(6)
        params, to = ([net.const(np.float32(s)), net.const(np.uint8(z))] for s, z in ((0.05, 100), (0.02, 128)))
        q = net.add("QuantizeLinear", "x", *params)
        if single:
            y = net.add("QLinearReduceMean", q, *params, *to, domain="com.microsoft", axes=[2, 3], keepdims=keepdims)
        else:
            mean = net.add("ReduceMean", net.add("DequantizeLinear", q, *params), axes=[2, 3], keepdims=keepdims)
            y = net.add("QuantizeLinear", mean, *to)
        found.append(net.model({"x": [1, 3, 6, 5]}, {y: None}, {y: TensorProto.UINT8}))
    x = np.random.default_rng(8).normal(0, 2, (1, 3, 6, 5)).astype(np.float32)
    graph = normalize(import_model(found[0], "mean", ImportOptions()))
    want, got = witness(found[1], {"x": x})[0], evaluate(graph, {"x": x})[0]
    assert got.shape == want.shape and np.abs(got.astype(int) - want).max() <= 1


def test_indices_that_are_outside_or_computed_are_refused() -> None:
    for places, said in ((np.array([0, 3]), "not all inside"), (None, "computed at run time")):
        net = Net(1)
        index = net.const(places) if places is not None else "i"
        y = net.add("Gather", "x", index, axis=1)
        inputs = {"x": [1, 3, 4]} | ({} if places is not None else {"i": [2]})
        model = net.model(inputs, {y: None}, {"i": TensorProto.INT32})
        with pytest.raises(UnsupportedError, match=said):
            import_model(model, "gather", ImportOptions())
