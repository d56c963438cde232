"""One network on edgeq and on the other engines that are installed: interleaved, one thread, with what they answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from edgeq_host.bench import litert, ort, tflite_runtime, timing
from edgeq_host.bench.own import Edgeq
from edgeq_host.data import open_data, random_data
from edgeq_host.errors import UnsupportedError, UsageError
from edgeq_host.export import read_file, unpack
from edgeq_host.export.read_graph import to_graph
from edgeq_host.exporters.onnx import export
from edgeq_host.graph import Array
from edgeq_host.importers import format_of, load
from edgeq_host.importers.common import ImportOptions
from edgeq_host.produce import Source, produce
from edgeq_host.recipe import Recipe

ENGINES = ("onnxruntime", "litert")
ROUNDS, SAMPLES, SEED = 25, 20, 1
_SHIFT = 128
_NUMPY: dict[str, Any] = {"f32": np.float32, "s32": np.int32, "s8": np.int8, "u8": np.uint8}


class Engine(Protocol):
    """One that holds a model: fill, run, outputs; and its version."""

    def run(self, n: int) -> int: ...
    def fill(self, inputs: list[bytes]) -> None: ...
    def outputs(self) -> list[bytes]: ...
    def version(self) -> str: ...


@dataclass(frozen=True)
class Other:
    """ratio: its time by edgeq's, above 1 where edgeq is faster. top1: share of samples with the same largest value of the first output.
    reason: why there are no figures, else empty."""

    engine: str
    version: str
    us: float | None
    ratio: float | None
    top1: float | None
    reason: str = ""


@dataclass(frozen=True)
class Comparison:
    """schema edgeq.bench/1."""

    model: str
    cpu: str
    isas: tuple[str, ...]
    macs: int
    us: float
    gmacs: float
    rounds: int
    samples: int
    others: tuple[Other, ...]


class Incomparable(Exception):
    """Why an engine cannot run this very model."""


@dataclass(frozen=True)
class Subject:
    """The .eqm file to be measured, and the file that it was made from."""

    name: str
    data: bytes
    source: Path | None


def subject(path: Path) -> Subject:
    """An .eqm file as it is; a source model quantized, with the scales that it brings or else with noise: for time, not for accuracy."""
    data = read_file(path)
    if data[4:8] == b"EQM1" or path.suffix == ".eqm":
        return Subject(path.stem, data, None)
    graph = load(path, ImportOptions())
    quantized = any(t.quant is not None for t in graph.tensors.values() if t.data is None)
    return Subject(path.stem, produce(Source(path, calibration=None if quantized else "random")).data, path)


def compare(
    found: Subject, engines: Sequence[str] = ENGINES, rounds: int = ROUNDS, data: Path | None = None, isas: int | None = None
) -> Comparison:
    """data: samples for the agreement; without, noise. UsageError where an engine is not known."""
    for name in engines:
        if name not in _MAKE:
            raise UsageError(f"there is no engine {name!r}", f"engines: {', '.join(_MAKE)}")
    ours = Edgeq(found.data, isas=isas)
    opened: dict[str, Engine] = {"edgeq": ours}
    reasons: dict[str, str] = {}
    for name in engines:
        try:
            opened[name] = _MAKE[name](found)
        except Incomparable as why:
            reasons[name] = str(why)
    samples = _samples(ours, data)
    _fill(opened, ours, samples[0])
    ns = timing.interleave({name: engine.run for name, engine in opened.items()}, rounds)
    agreement = _agreement(opened, ours, samples)
    macs, us = int(ours.model.plan.macs), ns["edgeq"] / 1000
    others = tuple(
        Other(name, "", None, None, None, reasons[name])
        if name in reasons
        else Other(name, opened[name].version(), ns[name] / 1000, ns[name] / ns["edgeq"], agreement[name])
        for name in engines
    )
    sets = tuple(k for k, bit in _isas().items() if ours.model.isas >> bit & 1)
    return Comparison(found.name, timing.cpu(), sets, macs, us, macs / us / 1000, rounds, len(samples), others)


def _isas() -> dict[str, int]:
    from edgeq_runtime import native

    return native.isas()


def _samples(ours: Edgeq, data: Path | None) -> list[list[Array]]:
    edges = ours.model.inputs
    found = open_data(data, edges, Recipe()) if data is not None else random_data(edges, SEED, SAMPLES)
    return [sample for _, sample in zip(range(SAMPLES), found.inputs(), strict=False)]


def _fill(opened: dict[str, Engine], ours: Edgeq, sample: list[Array]) -> None:
    for name, engine in opened.items():
        edges = ours.model.inputs
        engine.fill([_given(name, np.asarray(x, _NUMPY[e.dtype]), e.dtype) for x, e in zip(sample, edges, strict=True)])


def _given(engine: str, x: Array, dtype: str) -> bytes:
    """The export to ONNX takes and gives int8 as uint8."""
    return (x.view(np.uint8) ^ _SHIFT if engine == "onnxruntime" and dtype == "s8" else x).tobytes()


def _agreement(opened: dict[str, Engine], ours: Edgeq, samples: list[list[Array]]) -> dict[str, float]:
    same = dict.fromkeys(opened, 0)
    for sample in samples:
        _fill(opened, ours, sample)
        best = {}
        for name, engine in opened.items():
            engine.run(1)
            best[name] = _largest(name, engine, ours)
        for name in opened:
            same[name] += best[name] == best["edgeq"]
    return {name: count / len(samples) for name, count in same.items()}


def _largest(name: str, engine: Engine, ours: Edgeq) -> int:
    dtype = ours.model.outputs[0].dtype
    raw = engine.outputs()[0]
    if name == "onnxruntime" and dtype == "s8":
        return int(np.frombuffer(raw, np.uint8).argmax())
    return int(np.frombuffer(raw, _NUMPY[dtype]).argmax())


def _onnxruntime(found: Subject) -> Engine:
    if why := ort.missing():
        raise Incomparable(why)
    tables = unpack(found.data, found.name)
    try:
        return ort.Ort(export(to_graph(tables, tables.variants[0], {}), found.name).model)
    except UnsupportedError as error:
        raise Incomparable("; ".join((error.message, *error.problems))) from error


def _litert(found: Subject) -> Engine:
    why = litert.missing()
    if why and (older := tflite_runtime.missing()):
        raise Incomparable(f"{why}; tflite_runtime: {older}")
    if found.source is None or format_of(found.source) != "tflite":
        raise Incomparable("it runs .tflite files: give the one that the model was made from")
    tables = unpack(found.data, found.name)
    graph = to_graph(tables, tables.variants[0], {})
    if any(e.dtype == "f32" for e in (*graph.inputs, *graph.outputs)):
        raise Incomparable("the source computes in float32")
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise Incomparable("it orders several inputs and outputs by name")
    return tflite_runtime.TfliteRuntime(found.source) if why else litert.LiteRT(found.source)


_MAKE: dict[str, Callable[[Subject], Engine]] = {"onnxruntime": _onnxruntime, "litert": _litert}
