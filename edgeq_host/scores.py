"""Score a model on data: a graph, a model file, or anything with run()."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgeq_host import metrics
from edgeq_host.data import Data, Sample
from edgeq_host.errors import ModelError, UsageError
from edgeq_host.export import Score
from edgeq_host.graph import Array, Edge, Graph, Quant
from edgeq_host.metrics import Outcome
from edgeq_host.session import Session
from edgeq_runtime import native

_SAME = "give the source that the model was made from, or another model that takes and gives the same"

Run = Callable[[list[Array]], list[Array]]


def evaluate(model: Any, data: Data, metric: str, reference: Any = None) -> Score:
    """model, reference: see runner(). reference: the float model, for the metric agreement."""
    return outcome(model, data, metric, reference).score


def outcome(model: Any, data: Data, metric: str, reference: Any = None) -> Outcome:
    """The same sample by sample: what metrics.compare() takes."""
    chosen = metrics.metric(metric)
    if chosen.needs_labels and not data.labelled:
        raise UsageError(f"metric {metric} needs labels", "put them into the .npz as y (N), or images into one subfolder per label")
    if chosen.needs_reference and reference is None:
        raise UsageError(f"metric {metric} compares with a reference model", "give the float source with --reference")
    run, other = runners(model, reference) if chosen.needs_reference else (runner(model), None)
    values, labels = [], []
    for number, sample in enumerate(data):
        label = _first_label(sample, number)
        values.append(chosen.value(run(sample.inputs), sample, other(sample.values) if other else []))
        labels.append(label)
    return Outcome(chosen, np.array(values, np.float64), np.array(labels, np.float64))


def output_sqnr(model: Any, reference: Any, data: Data) -> list[float]:
    """dB per output, over all samples together."""
    run, other = runners(model, reference)
    signal: dict[int, float] = {}
    noise: dict[int, float] = {}
    for sample in data:
        for i, (found, wanted) in enumerate(zip(run(sample.inputs), other(sample.values), strict=True)):
            wide = wanted.astype(np.float64)
            signal[i] = signal.get(i, 0.0) + float(np.sum(wide * wide))
            noise[i] = noise.get(i, 0.0) + float(np.sum((wide - found) ** 2))
    return [metrics.decibel(signal[i], noise[i]) for i in sorted(signal)]


def _first_label(sample: Sample, number: int) -> float:
    """What auc ranks against. ModelError where a label is no finite number: no metric means anything with it."""
    if sample.label is None:
        return 0.0
    if sample.label.dtype.kind not in "biuf":
        raise ModelError(f"the label of sample {number} is {sample.label.dtype}, no number", "store y as numbers: classes count from 0")
    if not np.isfinite(sample.label).all():
        bad = "NaN" if np.isnan(sample.label).any() else "infinity"
        raise ModelError(f"the label of sample {number} holds {bad}", "remove the sample or repair its source")
    return float(sample.label.reshape(-1)[0]) if sample.label.size else 0.0


def runners(model: Any, reference: Any) -> tuple[Run, Run]:
    """Of two models that are compared: they must take and give the same."""
    model, reference = _opened(model), _opened(reference)
    for side in ("inputs", "outputs"):
        found, wanted = _edges(model, side), _edges(reference, side)
        if found and wanted and found != wanted:
            raise ModelError(f"the {side} of the model are {_shown(found)}, those of the reference {_shown(wanted)}", _SAME)
    return runner(model), runner(reference)


def _opened(model: Any) -> Any:
    return native.Model(str(model)) if isinstance(model, (str, Path)) else model


def _edges(model: Any, side: str) -> list[tuple[str, list[int]]]:
    """Types and shapes; no output's type, which is compared by what it stands for. Empty for an object that does not tell."""
    held = model.graph if isinstance(model, Session) else model
    return [(e.dtype if side == "inputs" else "", list(e.shape)) for e in getattr(held, side, ())]


def _shown(edges: list[tuple[str, list[int]]]) -> str:
    return " and ".join(f"{kind} {shape}".strip() for kind, shape in edges)


def runner(model: Any) -> Run:
    """A function from inputs to outputs in real values. model: a Graph, the path of a model file, an opened one, a Session, or
    any object whose run(*inputs) gives a list of outputs."""
    if isinstance(model, Graph):
        model = Session(model)
    model = _opened(model)
    if isinstance(model, Session):
        session, quants = model, [_edge_quant(model.graph, e) for e in model.graph.outputs]
        return lambda inputs: [_real(y, q) for y, q in zip(session.run(*inputs), quants, strict=True)]
    if hasattr(model, "outputs"):  # an opened model, here or on a board
        opened, stated = model, [_opened_quant(e) for e in model.outputs]
        return lambda inputs: [_real(y, q) for y, q in zip(_listed(opened.run(inputs)), stated, strict=True)]
    return lambda inputs: _listed(model.run(*inputs))


def _edge_quant(graph: Graph, edge: Edge) -> Quant | None:
    return graph.tensors[edge.tensor].quant if edge.dtype in ("s8", "u8") else None


def _opened_quant(edge: native.Edge) -> Quant | None:
    return Quant(np.array([edge.scale]), np.array([edge.zero])) if edge.dtype in ("s8", "u8") and edge.scale else None


def _real(y: Array, quant: Quant | None) -> Array:
    """Integers of an output as what they stand for; a uint8 u lies as u - 128."""
    if quant is None:
        return y
    q = y.astype(np.float64) - (128 if y.dtype == np.uint8 else 0)
    return np.asarray((q - float(quant.zero[0])) * float(quant.scale[0]), np.float64)


def _listed(result: Any) -> list[Array]:
    return [np.asarray(y) for y in result] if isinstance(result, (list, tuple)) else [np.asarray(result)]
