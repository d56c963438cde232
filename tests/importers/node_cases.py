"""The node tests of the onnx package as cases for the importer: one operator each, its reference inputs and outputs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from edgeq_host.errors import EdgeqError
from edgeq_host.graph import Array, Edge, Graph, Quant, Tensor
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx_ops.build import import_model
from edgeq_host.passes import normalize
from edgeq_runtime.ops import DTYPES
from edgeq_runtime.ops import run as run_op

# operators all of whose tensor operands may be computed at run time; of the others only the first one is
SEVERAL = frozenset(("Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum", "Mean", "MatMul", "Concat", "Gemm", "PRelu"))


@dataclass(frozen=True)
class Case:
    name: str
    op: str
    model: onnx.ModelProto
    inputs: tuple[Array, ...]
    outputs: tuple[Array, ...]
    rtol: float
    atol: float


@dataclass(frozen=True)
class Outcome:
    """refused: edgeq's reason, empty where it ran; error: the largest excess over the tolerance, 0 where it passed."""

    refused: str = ""
    wrong: str = ""


def cases() -> Iterator[Case]:
    """Tests of one node whose inputs are all tensors."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = load_model_tests(kind="node")
    for test in found:
        inputs, outputs = test.data_sets[0]
        plain = all(isinstance(v, (np.ndarray, np.generic)) for v in (*inputs, *outputs))
        if len(test.model.graph.node) == 1 and plain and "_expanded" not in test.name:
            op = test.model.graph.node[0].op_type
            arrays = tuple(map(np.asarray, inputs)), tuple(map(np.asarray, outputs))
            yield Case(test.name, op, test.model, *arrays, test.rtol, test.atol)


def in_scope(case: Case) -> bool:
    """float32 data of at most 4 dimensions (other types only where the operator reads them as parameters)."""
    first = case.inputs[: None if case.op in SEVERAL else 1]
    return all(v.dtype == np.float32 and v.ndim <= 4 for v in (*first, *case.outputs[:1]))


def run(case: Case) -> Outcome:
    """Import, normalize and evaluate; every input but the operands of SEVERAL and the first becomes a constant."""
    try:
        graph = normalize(import_model(bound(case), case.name, ImportOptions()))
        graph.validate()
    except EdgeqError as error:
        return Outcome(refused=_reason(error))
    found = evaluate(graph, dict(zip(_names(case), case.inputs, strict=True)))
    for want, got in zip(_wanted(case), found, strict=False):
        if want.shape != got.shape:
            return Outcome(wrong=f"shape {got.shape}, expected {want.shape}")
        if not np.allclose(got, want, rtol=max(case.rtol, 1e-5), atol=max(case.atol, 1e-5), equal_nan=True):
            return Outcome(wrong=f"differs by {np.nanmax(np.abs(got.astype(np.float64) - want)):.3g}")
    return Outcome()


def _wanted(case: Case) -> tuple[Array, ...]:
    """What ONNX says, but for the one place where edgeq says something else: the sign of 0 is +1."""
    return (np.where(case.inputs[0] == 0, np.float32(1), case.outputs[0]),) if case.op == "Sign" else case.outputs


def evaluate(graph: Graph, inputs: dict[str, Array]) -> list[Array]:
    """Outputs in the source's layout and type, by the reference operators; every tensor with a scale of the source is rounded to it."""
    graph = graph.with_real_constants()
    values = {t.name: np.asarray(t.data) for t in graph.tensors.values() if t.data is not None}
    for edge in graph.inputs:
        laid = np.transpose(inputs[edge.name], edge.permutation)
        quant = graph.tensors[edge.tensor].quant
        values[edge.tensor] = _real(laid, quant, edge.dtype) if edge.dtype != "f32" and quant else laid.astype(DTYPES[edge.dtype])
    for node in graph.nodes:
        out = graph.tensors[node.outputs[0]]
        y = run_op(node.op, node.attrs, [_rounded(values[i], graph.tensors[i]) for i in node.inputs], out.shape, out.dtype)
        values[out.name] = _rounded(y, out)
    return [_shown(graph, edge, _rounded(values[edge.tensor], graph.tensors[edge.tensor])) for edge in graph.outputs]


def _shift(dtype: str) -> int:
    return 128 if dtype == "u8" else 0


def _real(x: Array, quant: Quant, dtype: str) -> Array:
    return ((x.astype(np.int64) - _shift(dtype) - quant.zero) * quant.scale).astype(np.float32)


def _integers(x: Array, quant: Quant) -> Array:
    q = np.rint((x / np.float32(quant.scale[0])).astype(np.float64)) + quant.zero[0]
    return np.clip(q, -128, 127).astype(np.int64)


def _rounded(x: Array, tensor: Tensor) -> Array:
    return x if tensor.quant is None or tensor.data is not None else _real(_integers(x, tensor.quant), tensor.quant, "s8")


def _shown(graph: Graph, edge: Edge, x: Array) -> Array:
    quant = graph.tensors[edge.tensor].quant
    if edge.dtype in ("s8", "u8") and quant is not None:
        x = (_integers(x, quant) + _shift(edge.dtype)).astype(DTYPES[edge.dtype])
    return np.transpose(x, np.argsort(edge.permutation))


def _names(case: Case) -> list[str]:
    return [i.name for i in case.model.graph.input]


def bound(case: Case) -> onnx.ModelProto:
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    inputs = list(model.graph.input)
    del model.graph.input[:]
    for k, (info, value) in enumerate(zip(inputs, case.inputs, strict=True)):
        if k == 0 or (case.op in SEVERAL and not (case.op == "PRelu" and k)):
            model.graph.input.append(info)
        else:
            model.graph.initializer.append(onnx.numpy_helper.from_array(np.ascontiguousarray(value), info.name))
    return model


def _reason(error: EdgeqError) -> str:
    problems = getattr(error, "problems", ())
    return problems[0].split(": ", 1)[-1] if problems else error.message


PAGE = Path(__file__).parents[2] / "docs" / "onnx-operators.md"
