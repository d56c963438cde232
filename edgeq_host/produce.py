"""From a source model to a packed file: import, quantize, score, self-test, provenance. What `edgeq quantize` and `reproduce` call."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from edgeq_host import __version__, metrics, recipe, selftest
from edgeq_host.data import Data, open_data, random_data
from edgeq_host.errors import ModelError, UsageError
from edgeq_host.export import Bundle, Provenance, Score, Variant, to_bytes, write_file
from edgeq_host.graph import Array, Graph
from edgeq_host.importers import load
from edgeq_host.importers.common import ImportOptions
from edgeq_host.metrics import Difference
from edgeq_host.progress import Progress, Report
from edgeq_host.provenance import options_text
from edgeq_host.quant import Island, methods, prepare, quantize_reported, wants_samples
from edgeq_host.quant.nested import Planes
from edgeq_host.quant.precision import FLOAT
from edgeq_host.quant.seen import PREFIXES
from edgeq_host.recipe import Recipe
from edgeq_host.scores import outcome

RANDOM = "random"  # the calibration "data" that says nothing about accuracy
RANDOM_SAMPLES = 8
_WITHOUT = ("the source brings every scale", "float32 needs none")
NAME_MAX = 63  # characters of a name in a store


@dataclass(frozen=True)
class Comparison:
    """The float model and the quantized one on the same samples."""

    float_score: Score
    score: Score
    difference: Difference


@dataclass(frozen=True)
class Made:
    """One variant of a packed model. name: its precision."""

    name: str
    graph: Graph
    islands: tuple[Island, ...] = ()
    comparison: Comparison | None = None


@dataclass(frozen=True)
class Packed:
    """A quantized model: the bytes of its .eqm file, and what was found while it was made."""

    name: str
    data: bytes
    variants: tuple[Made, ...]
    float_graph: Graph
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        made = ", ".join(f"{v.name} {v.graph!r}" for v in self.variants)
        return f"<Packed {self.name!r}: {len(self.data)} bytes, {made}>"

    @property
    def graph(self) -> Graph:
        """Of the first variant."""
        return self.variants[0].graph

    @property
    def comparison(self) -> Comparison | None:
        """Of the first variant."""
        return self.variants[0].comparison

    def save(self, path: str | Path) -> None:
        """Write the file: all of it or nothing."""
        write_file(Path(path), self.data)


@dataclass(frozen=True)
class Source:
    """What a model file is made from.

    model: None where the graph comes from a program. calibration: a data path, "random", data, or None for sources that bring
    their scales. score: labelled data or its path.
    """

    model: Path | None
    recipe: Recipe = field(default_factory=Recipe)
    calibration: str | Data | None = None
    score: str | Data | None = None
    options: ImportOptions = field(default_factory=ImportOptions)
    name: str = ""
    recorded: tuple[str, str, str] | None = None  # names of model, calibration and scored data to record; None: those of the paths
    progress: Report | None = None  # told how many samples are calibrated and scored, of all that will be


def produce(source: Source) -> Packed:
    """The packed model of a source file; the same source gives the same bytes."""
    assert source.model is not None
    return pack_graph(load(source.model, source.options), source)


def pack_graph(graph: Graph, source: Source) -> Packed:
    """Quantize a float graph that was imported from `source`."""
    bundle, made, prepared, warnings = _made(graph, source)
    return Packed(bundle.name, to_bytes(bundle), tuple(made), prepared, tuple(warnings))


def predicted_bytes(source: Source) -> int:
    """The size of the file that produce() would make, to the byte, known after calibration and before weights are chosen.

    Where variants read other activations, only the weights themselves tell which of them are equal and stored once: they are chosen
    then.
    """
    assert source.model is not None
    return len(to_bytes(_made(load(source.model, source.options), source, dry=True)[0]))


def _placeholders_do(recipe: Recipe) -> bool:
    """Whether it is known without the weights which of them are equal."""
    behind_others = any(step.options.get("prefix", PREFIXES[0]) != PREFIXES[0] for step in recipe.steps)
    return len(recipe.precisions) == 1 or (len({p.activations for p in recipe.named if p.weights}) == 1 and not behind_others)


def _made(graph: Graph, source: Source, dry: bool = False) -> tuple[Bundle, list[Made], Graph, list[str]]:
    """The bundle, its variants, the float graph as the recipe wants it, and warnings. dry: placeholders that have their sizes."""
    metrics.metric(source.recipe.metric)  # an unknown one is refused before anything is made
    prepared = prepare(graph, source.recipe)
    given, score = _calibration(prepared, source), _score(prepared, source)
    calibration = given if wants_samples(prepared, source.recipe) else None
    progress = Progress(source.progress, (1 + len(source.recipe.precisions)) * score.count if score and not dry else 0)
    made, warnings = _variants(prepared, calibration, source.recipe, progress, dry and _placeholders_do(source.recipe))
    if calibration is None and given is not None:
        warnings.append(f"calibration is not used: {_WITHOUT[source.recipe.precision == FLOAT]}")
    elif source.calibration == RANDOM:
        warnings = ["calibrated on noise, for timing only: scores of this file mean nothing"]
    warnings += [*_overlap(calibration, score), *graph.remarks]
    scores: list[Score | None] = [None] * len(made)
    if score is not None and dry:
        scores = [Score(source.recipe.metric, 1.0, 1.0, 1.0, score.count)] * len(made)
    elif score is not None:
        made = _compared(prepared, made, score, source.recipe.metric, progress)
        scores = [v.comparison.score if v.comparison else None for v in made]
    first = _first(prepared, calibration, score, source.recipe)
    tests = [(selftest.sizes if dry else selftest.make)(v.graph, first) for v in made]
    variants = [Variant(v.name, v.graph, test, s) for v, test, s in zip(made, tests, scores, strict=True)]
    name = source.name or model_name(source.model or Path(graph.name))
    return Bundle(name, variants, made[0].graph.labels, _provenance(source, calibration, score)), made, prepared, warnings


class _Passes:
    """The calibration samples, to be gone through as often as is needed. ranges: of the values of each input."""

    def __init__(self, calibration: Data, progress: Progress) -> None:
        self._calibration, self._progress = calibration, progress
        self.ranges: list[tuple[float, float]] = []

    def __iter__(self) -> Iterator[list[Array]]:
        self._progress.more(self._calibration.count)
        for inputs in self._progress.over(self._calibration.inputs()):
            before = self.ranges or [(np.inf, -np.inf)] * len(inputs)
            self.ranges = [(min(lo, float(x.min())), max(hi, float(x.max()))) for (lo, hi), x in zip(before, inputs, strict=True)]
            yield inputs


def _variants(graph: Graph, calibration: Data | None, recipe: Recipe, progress: Progress, dry: bool) -> tuple[list[Made], list[str]]:
    """Every precision of the recipe, and warnings, each once."""
    made: list[Made] = []
    warnings: list[str] = []
    passes, nest = None if calibration is None else _Passes(calibration, progress), dict[str, Planes]()
    for precision in recipe.precisions:
        if precision.name == FLOAT:
            _refuse_layers_of_float(recipe)
            made.append(Made(FLOAT, _real(graph)))
            continue
        result = quantize_reported(graph, passes, recipe, precision=precision, dry=dry, nest=nest)
        made.append(Made(precision.name, result.graph, result.islands))
        warnings += result.warnings
    for edge, (lo, hi) in zip(graph.inputs, passes.ranges if passes else (), strict=passes is not None):
        if lo == hi:
            warnings.append(f"every calibration sample of {edge.name} is {lo:g} throughout")
    return made, list(dict.fromkeys((*warnings, *methods.idle(((s.method, s.options) for s in recipe.step or ()), recipe.kinds))))


def _refuse_layers_of_float(recipe: Recipe) -> None:
    """UsageError where a [[layer]] asks for integers in the float variant alone."""
    alone = len(recipe.precisions) == 1
    for table in recipe.layer:
        asked = table.precision if table.precision not in ("", FLOAT) else f"groups of {table.group}" if table.group else ""
        if asked and (table.variant == FLOAT or (alone and not table.variant)):
            found = f"[[layer]] match = {table.match!r} asks for {asked}, and the precision is {FLOAT}: no layer has integers there"
            raise UsageError(found, "quantize with another precision, such as w4a8 or int8, or leave the [[layer]] out")


def _real(graph: Graph) -> Graph:
    """The float variant; hybrid weights become what they stand for."""
    if any(e.dtype in ("s8", "u8") and graph.tensors[e.tensor].dtype == "f32" for e in (*graph.inputs, *graph.outputs)):
        raise UsageError("the source is quantized already: it has no float32 precision", "use --precision int8, which keeps its scales")
    return graph.with_real_constants()


def model_name(path: Path) -> str:
    """The name of a model in a store (SPEC.md 5.1): the stem, with every character that such a name may not have replaced by '-'."""
    name = "".join(c if (c.isalnum() and c.isascii()) or c in "_.-" else "-" for c in path.stem).lstrip("_.-")
    return name[:NAME_MAX] or "model"


def _score(graph: Graph, source: Source) -> Data | None:
    if not isinstance(source.score, str):
        return source.score
    return open_data(Path(source.score), graph.inputs, source.recipe, metrics.metric(source.recipe.metric).needs_labels)


def _calibration(graph: Graph, source: Source) -> Data | None:
    if not isinstance(source.calibration, str):
        return source.calibration
    if source.calibration == RANDOM:
        return random_data(graph.inputs, source.recipe.seed, RANDOM_SAMPLES)
    return open_data(Path(source.calibration), graph.inputs, source.recipe)


def _first(graph: Graph, calibration: Data | None, score: Data | None, recipe: Recipe) -> list[Array]:
    """The sample of the self-test: a real one where there is data."""
    data = calibration or score or random_data(graph.inputs, recipe.seed, 1)
    return next(iter(data)).inputs


def _compared(float_graph: Graph, made: list[Made], data: Data, metric: str, progress: Progress) -> list[Made]:
    """With the scores of the variants, each beside that of the float model."""
    counted = replace(data, _open=lambda: progress.over(data))
    before = outcome(float_graph, counted, metric, float_graph)
    found = []
    for variant in made:
        after = outcome(variant.graph, counted, metric, float_graph)
        found.append(replace(variant, comparison=Comparison(before.score, after.score, metrics.compare(before, after))))
    return found


def _overlap(calibration: Data | None, score: Data | None) -> tuple[str, ...]:
    """A warning where samples that are scored were seen in calibration: such a score flatters."""
    if calibration is None or score is None:
        return ()
    seen = set(_digests(calibration))
    both = sum(d in seen for d in _digests(score))
    return (f"{both} of {score.count} scored samples are in the calibration data too: the score flatters",) if both else ()


def _digests(data: Data) -> Iterator[bytes]:
    return (hashlib.sha256(b"".join(x.tobytes() for x in inputs)).digest() for inputs in data.inputs())


def _provenance(source: Source, calibration: Data | None, score: Data | None) -> Provenance:
    model = "" if source.model is None else source.model.name
    seen = RANDOM if calibration is not None and source.calibration == RANDOM else _name(calibration)
    names = source.recorded or (model, seen, _name(score))
    return Provenance(
        source_name=names[0],
        source_sha256=b"" if source.model is None else _file_sha256(source.model),
        recipe=recipe.dumps(source.recipe, calibration is not None),
        tool=f"edgeq {__version__}",
        calibration_sha256=b"" if calibration is None else calibration.sha256(),
        score_sha256=b"" if score is None else score.sha256(),
        calibration_name=names[1],
        score_name=names[2],
        import_options=options_text(source.options),
    )


def _name(data: Data | None) -> str:
    return "" if data is None or data.path is None else data.path.name


def _file_sha256(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}", "give the path of a model file") from error
