"""Scores with a 95 % interval, and paired differences of two models over the same samples."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq_host.data import Sample
from edgeq_host.errors import ModelError, UsageError
from edgeq_host.export import Score
from edgeq_host.graph import Array

Float64 = NDArray[np.float64]
NAMES = ("top1", "top5", "auc", "mse", "mae", "agreement")
_Z = 1.959963984540054  # 97.5th percentile of the normal distribution
_RESAMPLES = 2000
_SEED = 1
_OWN = "it takes (outputs, label) of one sample and returns a number: docs/quantize.md shows one"


@dataclass(frozen=True)
class Metric:
    """`value`: of one sample from the model's outputs and, where needs_reference, those of the reference model.

    kind: "share" (0 or 1 per sample), "mean", or "rank" (a score per sample, ranked against the labels: auc).
    """

    name: str
    kind: str
    needs_labels: bool
    needs_reference: bool
    value: Callable[[list[Array], Sample, list[Array]], float]


@dataclass(frozen=True)
class Outcome:
    """A metric over a data set, sample by sample."""

    metric: Metric
    values: Float64
    labels: Float64

    @property
    def score(self) -> Score:
        value = _total(self.metric, self.values, self.labels)
        low, high = _interval(self)
        return Score(self.metric.name, value, low, high, self.values.size)


@dataclass(frozen=True)
class Difference:
    """second - first, paired by sample, with its 95 % interval."""

    metric: str
    value: float
    low: float
    high: float
    samples: int

    @property
    def within_noise(self) -> bool:
        return self.low <= 0 <= self.high


def metric(name: str) -> Metric:
    """By name, or FILE.py:FUNCTION, a function of one sample's (outputs, label) that gives a number; the score is their mean."""
    if name in _METRICS:
        return _METRICS[name]
    file, colon, function = name.rpartition(":")
    if not (colon and file.endswith(".py")):
        raise UsageError(f"metric {name!r} does not exist", f"choose one of: {', '.join(NAMES)}, or FILE.py:FUNCTION")
    return Metric(name, "mean", False, False, _own(name, _load(Path(file), function)))


def compare(first: Outcome, second: Outcome) -> Difference:
    """Shares: from the discordant pairs, half a pair added to each side (McNemar's setting); means: normal; auc: bootstrap."""
    if first.metric.name != second.metric.name or first.values.size != second.values.size:
        raise UsageError("only scores of one metric over the same samples can be compared", "score both on the same data")
    n, kind = first.values.size, first.metric.kind
    if kind == "rank":
        value = _auc(second.values, second.labels) - _auc(first.values, first.labels)
        low, high = _bootstrap(first.labels, lambda i: _auc(second.values[i], second.labels[i]) - _auc(first.values[i], first.labels[i]))
        return Difference(first.metric.name, value, low, high, n)
    change = second.values - first.values
    if kind == "share":
        up, down = float((change > 0).sum()) + 0.5, float((change < 0).sum()) + 0.5
        total = n + 2.0
        half = _Z * math.sqrt(up + down - (up - down) ** 2 / total) / total
        middle = (up - down) / total
        return Difference(first.metric.name, float(change.mean()), max(middle - half, -1.0), min(middle + half, 1.0), n)
    half = _Z * float(change.std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf
    return Difference(first.metric.name, float(change.mean()), float(change.mean()) - half, float(change.mean()) + half, n)


def wilson(successes: float, n: int) -> tuple[float, float]:
    """95 % interval of a share."""
    share, z2 = successes / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def sqnr_db(reference: Array, found: Array) -> float:
    """Signal to quantization noise: 10 log10(sum x^2 / sum (x - found)^2)."""
    x = reference.astype(np.float64).reshape(-1)
    return decibel(float(np.sum(x * x)), float(np.sum((x - found.astype(np.float64).reshape(-1)) ** 2)))


def decibel(signal: float, noise: float) -> float:
    """Of two energies; without noise infinite, without a signal minus that."""
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal > 0 else -math.inf


def _interval(outcome: Outcome) -> tuple[float, float]:
    values, n = outcome.values, outcome.values.size
    if outcome.metric.kind == "share":
        return wilson(float(values.sum()), n)
    if outcome.metric.kind == "rank":
        return _bootstrap(outcome.labels, lambda i: _auc(values[i], outcome.labels[i]))
    half = _Z * float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf
    return float(values.mean()) - half, float(values.mean()) + half


def _total(metric: Metric, values: Float64, labels: Float64) -> float:
    return _auc(values, labels) if metric.kind == "rank" else float(values.mean())


def _auc(values: Float64, labels: Float64) -> float:
    """Area under the receiver operating characteristic: the share of (positive, negative) pairs in order, ties count half."""
    positive = labels > 0
    count, others = int(positive.sum()), int((~positive).sum())
    if not count or not others:
        raise ModelError(f"auc needs both labels 0 and 1, found {count} positive and {others} negative samples", "score on other data")
    _, place, repeats = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(repeats) - (repeats - 1) / 2)[place]  # mean rank of equal values, from 1
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * others))


def _bootstrap(labels: Float64, statistic: Callable[[NDArray[np.int64]], float]) -> tuple[float, float]:
    """95 % interval from resamples drawn within each label, with a fixed seed."""
    generator = np.random.default_rng(_SEED)
    groups = [np.flatnonzero(labels > 0), np.flatnonzero(labels <= 0)]
    draws = [statistic(np.concatenate([generator.choice(g, g.size) for g in groups])) for _ in range(_RESAMPLES)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def _rank_of_label(outputs: list[Array], sample: Sample) -> int:
    """Number of classes before the label; of equal outputs the first wins, as argmax has it."""
    scores, label = outputs[0].reshape(-1), int(_label(sample))
    if not 0 <= label < scores.size:
        raise ModelError(f"label {label}, but the model has {scores.size} classes", "labels count from 0")
    return int((scores > scores[label]).sum() + (scores[:label] == scores[label]).sum())


def _label(sample: Sample) -> float:
    assert sample.label is not None
    if sample.label.size != 1:
        raise ModelError(f"a label has shape {list(sample.label.shape)}", "y needs one class number per sample")
    label = float(sample.label.reshape(-1)[0])
    if not label.is_integer():
        raise ModelError(f"a label is {label:g}, no class number", "y needs whole numbers, one class per sample")
    return label


def _error(outputs: list[Array], sample: Sample) -> Float64:
    """Output less target: the label, or, for a model without labels that gives back its input's shape, the input."""
    found = outputs[0].astype(np.float64).reshape(-1)
    target = sample.values[0] if sample.label is None else sample.label
    if target.size != found.size:
        if sample.label is None:
            raise ModelError(
                f"without y the output is compared with the input, and they have {found.size} and {target.size} values",
                "store the targets as y (N, ...), or choose another metric; without y this one is for autoencoders",
            )
        raise ModelError(f"a target has {target.size} values, the model's output {found.size}", "y needs the shape of the output")
    return np.asarray(found - target.astype(np.float64).reshape(-1), np.float64)


def _suspicion(outputs: list[Array], sample: Sample) -> float:
    """What auc ranks: the one output, the second of two less the first, or the reconstruction error of an autoencoder."""
    scores = outputs[0].astype(np.float64).reshape(-1)
    if scores.size <= 2:
        return float(scores[-1] - (scores[0] if scores.size == 2 else 0))
    if scores.size != sample.values[0].size:
        found = f"auc ranks one output, two classes or an autoencoder's error; this output has {scores.size} values"
        raise ModelError(f"{found}, its input {sample.values[0].size}", "choose top1, or FILE.py:FUNCTION for a metric of your own")
    return float(np.mean(_error(outputs, Sample(sample.values, None)) ** 2))


def _agrees(outputs: list[Array], reference: list[Array]) -> float:
    return float(outputs[0].argmax() == reference[0].argmax())


def _load(file: Path, function: str) -> Callable[[list[Array], Any], float]:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise UsageError(f"no metric at {file}", "give FILE.py:FUNCTION")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as e:  # the user's own code may raise anything
        raise UsageError(f"{file} cannot be loaded: {type(e).__name__}: {e}", "correct the file") from e
    call = getattr(module, function, None)
    if not callable(call):
        raise UsageError(f"{file} has no function {function!r}", _OWN)
    found: Callable[[list[Array], Any], float] = call
    return found


class Outputs(list[Array]):
    """What a metric of the user's own gets: a list, which numpy would otherwise take for one array with an axis of samples."""

    def __array__(self, *_: Any, **__: Any) -> Array:
        raise TypeError("outputs is a list with one array per output of the model, of one sample: write outputs[0]")


def _own(name: str, call: Callable[[list[Array], Any], float]) -> Callable[[list[Array], Sample, list[Array]], float]:
    def value(outputs: list[Array], sample: Sample, _: list[Array]) -> float:
        try:
            found = call(Outputs(outputs), sample.label)
        except Exception as e:  # the user's own code may raise anything
            raise UsageError(f"the metric {name} failed: {type(e).__name__}: {e}", _OWN) from e
        if np.ndim(found) or np.asarray(found).dtype.kind not in "biuf" or not math.isfinite(found):
            shown = f"an array of shape {list(np.shape(found))}" if np.ndim(found) else repr(found)
            raise UsageError(f"the metric {name} gave {shown} for a sample, no finite number", _OWN)
        return float(found)

    return value


_METRICS = {
    m.name: m
    for m in (
        Metric("top1", "share", True, False, lambda outputs, sample, _: float(_rank_of_label(outputs, sample) < 1)),
        Metric("top5", "share", True, False, lambda outputs, sample, _: float(_rank_of_label(outputs, sample) < 5)),
        Metric("auc", "rank", True, False, lambda outputs, sample, _: _suspicion(outputs, sample)),
        Metric("mse", "mean", False, False, lambda outputs, sample, _: float(np.mean(_error(outputs, sample) ** 2))),
        Metric("mae", "mean", False, False, lambda outputs, sample, _: float(np.mean(np.abs(_error(outputs, sample))))),
        Metric("agreement", "share", False, True, lambda outputs, sample, reference: _agrees(outputs, reference)),
    )
}
