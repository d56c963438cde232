"""Every operator of TFLite that edgeq takes, in a small file of its own, against TFLite's reference kernels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq_host.graph import Graph
from edgeq_host.importers import tflite
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.tflite_ops.table import RULES
from tests.importers.float_run import evaluate
from tests.importers.tflite_cases import CASES, f32, network
from tests.importers.tflite_writer import Net, outputs, schema, witness


def load(path: Path, data: bytes) -> Graph:
    path.write_bytes(data)
    graph = tflite.read(path, ImportOptions())
    graph.validate()
    return graph


@pytest.mark.parametrize("name", sorted(CASES))
def test_operator_equals_the_reference_kernels(name: str, tmp_path: Path) -> None:
    net, data = network(name)
    graph = load(tmp_path / f"{name}.tflite", data)
    inputs = [f32(*net.tensors[i].shape) * np.float32(3) for i in net.inputs]
    expected = outputs(witness(tmp_path / f"{name}.tflite", *inputs))
    found = evaluate(graph, *inputs)
    assert len(found) == len(expected)
    for got, want in zip(found, expected, strict=True):
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=2e-6, atol=2e-6 * float(np.ptp(want) + 1))


def test_every_rule_has_a_case() -> None:
    used = set()
    names = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
    for build in CASES.values():
        net = Net()
        build(net)
        used |= {names[number] for number in net.codes}
    assert set(RULES) - used == {"QUANTIZE"}, "QUANTIZE has tests of its own"


@pytest.mark.parametrize("name", ["dilated_by_batches", "dilated_by_batches_depthwise_same"])
def test_space_to_batch_around_a_convolution_folds_to_one_node(name: str, tmp_path: Path) -> None:
    graph = load(tmp_path / "net.tflite", network(name)[1])
    assert len(graph.nodes) == 1
    assert graph.nodes[0].attrs["dilation_h"] == 2
