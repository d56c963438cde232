"""Score an opened model, here or on a board, with what its file records."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeq_host.data import open_data
from edgeq_host.export import Score
from edgeq_host.importers import load
from edgeq_host.metrics import metric as find_metric
from edgeq_host.provenance import recorded_by
from edgeq_host.quant import prepare
from edgeq_host.scores import evaluate, output_sqnr


@dataclass(frozen=True)
class Scored:
    """agreement, sqnr_db: against the float reference, where one was given."""

    score: Score
    variant: str
    agreement: Score | None
    sqnr_db: list[float]


def score_model(opened: Any, file: bytes | None, data: Path, metric: str | None, reference: Path | None, name: str) -> Scored:
    """opened: a model with inputs, outputs, run(). file: its bytes, or None for one that is installed on a board:
    recipe and metric are those that it records."""
    recipe, options = recorded_by(opened, file, name)
    chosen = metric or recipe.metric
    by_reference = metric is None and reference is not None
    used = open_data(data, opened.inputs, recipe, find_metric(chosen).needs_labels and not by_reference)
    if find_metric(chosen).needs_labels and not used.labelled:
        chosen = "agreement"
    graph = None if reference is None else prepare(load(reference, options), recipe)
    score = evaluate(opened, used, chosen, graph)
    variant = opened.opened.variant if hasattr(opened, "opened") else opened.variant
    if graph is None:
        return Scored(score, variant, None, [])
    agreement = score if chosen == "agreement" else evaluate(opened, used, "agreement", graph)
    return Scored(score, variant, agreement, output_sqnr(opened, graph, used))
