"""Whole graphs: every tensor of a network is the same in the C core and in numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq_host.errors import UsageError
from edgeq_host.graph import Edge, Graph
from edgeq_host.importers import load
from edgeq_host.quant import quantize
from edgeq_host.recipe import Recipe
from edgeq_host.session import Session
from edgeq_runtime.ops import DTYPES
from edgeq_runtime.rounding import quantize as quantize_values
from edgeq_runtime.rounding import quantize_s16
from tests.core import isa_masks
from tests.ops.cases import cases_of
from tests.ops.cases.base import Array, Rng
from tests.ops.compare import difference
from tests.ops.runner import graph_of
from tests.reference import run_graph

NETWORKS = ("kws_ref_model_float32.tflite", "ad01_fp32.tflite", "mnist_valid_f.tflite", "vww_96_float.tflite", "pretrainedResnet.onnx")
QUANTIZED = ("kws_ref_model.tflite", "ad01_int8.tflite", "mnist_valid_q.tflite", "vww_96_int8.tflite", "person_detect.tflite")
LARGE_QUANTIZED = ("mobilenet_v1_0.25_224_quant.tflite", "mobilenet_v2_quantized_1x3x224x224.tflite")
LARGE = ("mobilenet_v1_0.25_224_1_default_1.tflite", "version-RFB-320_simplified.onnx", "blazeface_exported.onnx")


def random_inputs(graph: Graph) -> list[Array]:
    """In the layout and type of the source."""
    rng = np.random.default_rng(11)
    return [_random(rng, edge) for edge in graph.inputs]


def _random(rng: Rng, edge: Edge) -> Array:
    if edge.dtype == "f32":
        return rng.normal(0, 1, edge.shape).astype(np.float32)
    limits = np.iinfo(DTYPES[edge.dtype])
    return rng.integers(limits.min, limits.max + 1, edge.shape).astype(DTYPES[edge.dtype])


def internal(graph: Graph, edge: Edge, value: Array) -> Array:
    """SPEC.md 3.3: permuted, and quantized where the tensor inside is int8 or int16."""
    x, tensor = np.transpose(value, edge.permutation), graph.tensors[edge.tensor]
    if tensor.dtype == edge.dtype:
        return x
    if edge.dtype == "u8":
        return (x.astype(np.int16) - 128).astype(np.int8)
    assert tensor.quant is not None
    if tensor.dtype == "s16":
        return quantize_s16(x, float(tensor.quant.scale[0]))
    return quantize_values(x, float(tensor.quant.scale[0]), int(tensor.quant.zero[0]))


def differing(graph: Graph, inputs: list[Array], isas: int) -> list[str]:
    session = Session(graph, keep_all=True, isas=isas)
    session.run(*inputs)
    want = run_graph(graph, {edge.tensor: internal(graph, edge, x) for edge, x in zip(graph.inputs, inputs, strict=True)})
    names = session.names()
    assert len(names) > len(graph.inputs)
    found = ((name, difference(want[name], session.tensor(name))) for name in names)
    return [f"{name}: {problem}" for name, problem in found if problem]


@pytest.mark.parametrize("precision", ["float32", "int8", "w8a16"])
@pytest.mark.parametrize("name", [*NETWORKS, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)])
def test_every_tensor_of_a_network_equals_the_reference(assets: Path, name: str, precision: str) -> None:
    graph = load(assets / "models" / name)
    inputs = random_inputs(graph)
    if precision != "float32":
        graph = quantize(graph, [inputs], Recipe(precision=precision))
        assert any(node.op.endswith("_s16" if precision == "w8a16" else "_s8") for node in graph.nodes)
    for isas in isa_masks():
        assert differing(graph, inputs, isas) == []


@pytest.mark.parametrize("name", [*QUANTIZED, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE_QUANTIZED)])
def test_every_tensor_of_a_quantized_source_equals_the_reference(assets: Path, name: str) -> None:
    graph = load(assets / "models" / name)
    inputs = random_inputs(graph)
    graph = quantize(graph, None, Recipe())
    for isas in isa_masks():
        assert differing(graph, inputs, isas) == []


def test_run_graph_gives_every_tensor_by_name() -> None:
    case = cases_of("clip_s8")[-1]
    values = run_graph(graph_of("clip_s8", case), {"in0": case.inputs[0]})
    assert set(values) == {"in0", "out"}
    assert values["out"].tolist() == np.clip(case.inputs[0], case.attrs["lo"], case.attrs["hi"]).tolist()


def test_inputs_that_do_not_fit_are_a_usage_error() -> None:
    case = cases_of("clip_s8")[0]
    graph = graph_of("clip_s8", case)
    with pytest.raises(UsageError, match="no value for the input in0"):
        run_graph(graph, {})
    with pytest.raises(UsageError, match=r"found int16 .*, expected int8"):
        run_graph(graph, {"in0": case.inputs[0].astype(np.int16)})
    with pytest.raises(UsageError, match=r"found int8 \(1, "):
        run_graph(graph, {"in0": case.inputs[0][None]})
