"""`edgeq check`: what a model needs, and every place that edgeq cannot take, before anything else is done with it."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from edgeq_host.graph import Edge, Graph
from edgeq_host.importers import format_of
from edgeq_host.importers.common import ImportOptions, Problem, Survey
from edgeq_host.importers.cuts import Cut
from edgeq_host.passes import normalize
from edgeq_host.quant import rules
from edgeq_host.quant.weights import source_bits
from edgeq_host.units import counted

SCHEMA = "edgeq.check/1"


@dataclass(frozen=True)
class Report:
    """source_operators: as the file has them; operators: edgeq's, after normalization. cut: the part that passes and keeps most.

    shapes: flags for inputs that are open. quantized: the source brings scales of its activations. weights: layers by the bits of the
    weights that it gives as integers. signs: how many activations it reduces to one bit. said: remarks of the importer.
    """

    path: str
    format: str
    problems: tuple[Problem, ...]
    source_operators: dict[str, int]
    operators: dict[str, int]
    inputs: tuple[Edge, ...]
    outputs: tuple[Edge, ...]
    parameters: int
    cut: Cut | None
    shapes: tuple[str, ...]
    quantized: bool
    weights: dict[int, int]
    signs: int
    said: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems

    @property
    def remarks(self) -> tuple[str, ...]:
        """What runs, but not as well as it could: transposes that stay, operators that have no int8 form."""
        found = list(self.said)
        if "transpose" in self.operators:
            found.append(f"{self.operators['transpose']} transposes stay at run time")
        for name, count in self.operators.items():
            if name.endswith("_f32") and rules.find(name) is None:
                found.append(f"{name} x{count} has no int8 form: it computes in float32 between a dequantize and a quantize")
        return tuple(found)

    def as_dict(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "file": self.path,
            "format": self.format,
            "ok": self.ok,
            "problems": [vars(p) for p in self.problems],
            "remarks": list(self.remarks),
            "source_operators": self.source_operators,
            "operators": self.operators,
            "inputs": [_edge(e) for e in self.inputs],
            "outputs": [_edge(e) for e in self.outputs],
            "parameters": self.parameters,
            "cut": None if self.cut is None else {"inputs": list(self.cut.inputs), "outputs": list(self.cut.outputs)},
            "shapes": list(self.shapes),
            "quantized": self.quantized,
            "weights": {str(bits): count for bits, count in self.weights.items()},
            "signs": self.signs,
        }

    def lines(self) -> Iterator[str]:
        """The report as text."""
        yield f"{self.path} ({self.format}): {counted(sum(self.source_operators.values()), 'operator')}"
        for title, edges in (("input", self.inputs), ("output", self.outputs)):
            yield from (f"  {title:6} {e.name} {list(e.shape)} {e.dtype}" for e in edges)
        if self.source_operators:
            yield "  uses   " + ", ".join(f"{name} x{count}" for name, count in self.source_operators.items())
        if self.ok:
            yield "  needs  " + ", ".join(f"{_plain(name)} x{count}" for name, count in self.operators.items())
            yield f"  {counted(self.parameters, 'parameter')}; every operator is supported"
            if self.quantized:
                yield "  quantized already: its scales are kept" + "".join(f"; {part}" for part in self._widths())
            yield from (f"  note: {_plain(remark)}" for remark in self.remarks)
            return
        yield f"  {len(self.problems)} not supported:"
        yield from (f"    {problem}" for problem in self.problems)
        if self.shapes:
            yield f"  the rest is checked with the open shapes given: {' '.join(self.shapes)}"
        elif self.cut is not None:
            yield f"  {self.cut.kept} of {counted(sum(self.source_operators.values()), 'operator')} pass as a part: {_flags(self.cut)}"
        else:
            yield "  no part that computes anything passes without them: replace them in the source, or compute the whole elsewhere"

    def _widths(self) -> Iterator[str]:
        """Weights of less than a byte, and signs."""
        narrow = [f"weights of {bits} bit{'s' * (bits > 1)} x{count}" for bits, count in self.weights.items() if bits < 8]
        found = [*narrow, *([f"signs x{self.signs}"] if self.signs else [])]
        if found:
            yield ", ".join(found)


def _flags(cut: Cut) -> str:
    """As a shell takes them."""
    flags = (("--inputs", cut.inputs), ("--outputs", cut.outputs))
    return " ".join(f"{flag} {shlex.quote(','.join(names))}" for flag, names in flags if names)


def _plain(text: str) -> str:
    """Names of operators without the element type: which one it will be is the quantizer's choice."""
    return re.sub(r"_(f32|s8|s16)\b", "", text)


def _edge(edge: Edge) -> dict[str, Any]:
    return {"name": edge.name, "shape": list(edge.shape), "dtype": edge.dtype}


def check(path: Path | str, options: ImportOptions | None = None) -> Report:
    """The report on a model file. An error is raised only where the file cannot be read at all."""
    path, options = Path(path), options or ImportOptions()
    format_ = format_of(path)
    survey: Survey = import_module(f"edgeq_host.importers.{format_}").survey(path, options)
    graph = normalize(survey.graph) if survey.graph else Graph("", {}, [], [], [])
    return Report(
        path=str(path),
        format=format_,
        problems=survey.problems,
        source_operators=survey.operators,
        operators=dict(Counter(n.op for n in graph.nodes).most_common()),
        inputs=tuple(graph.inputs),
        outputs=tuple(graph.outputs),
        parameters=sum(t.data.size for t in graph.tensors.values() if t.data is not None),
        cut=survey.cut,
        shapes=survey.shapes,
        quantized=any(t.data is None and t.quant is not None for t in graph.tensors.values()),
        weights=dict(sorted(Counter(filter(None, (source_bits(graph, n) for n in graph.nodes))).items())),
        signs=sum(n.op == "sign_f32" for n in graph.nodes),
        said=graph.remarks,
    )
