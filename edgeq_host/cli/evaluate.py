"""edgeq eval."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from edgeq_host.cli import output, shared, target


@output.command("eval")
@click.argument("model", metavar="FILE|NAME")
@click.option("--data", required=True, type=click.Path(path_type=Path), help=".npz with x and y, or a folder of images.")
@target.board_option(required=False)
@click.option("--metric", help="top1, top5, auc, mse, mae, agreement, FILE.py:FUNCTION; default: the file's; agreement without labels.")
@click.option("--reference", type=click.Path(path_type=Path), help="The float source: adds agreement and SQNR, and needs no labels.")
@click.option("--min", "least", help="Exit 10 where the score is lower: a share (0.9) or percent (90%).")
@click.option("--variant", help="A precision of the file; default: its first.")
@target.threads_option
def command(
    model: str,
    data: Path,
    board: str | None,
    metric: str | None,
    reference: Path | None,
    least: str | None,
    variant: str | None,
    threads: int,
    as_json: bool,
) -> int:
    """Score a model on data, with this machine's integers or, with --board, the device's own.

    \b
    edgeq eval model.eqm --data test.npz
    edgeq eval model --data test.npz --board local --min 98%
    """
    from edgeq_host.errors import GateError
    from edgeq_host.scoring import score_model

    gate = _gate(least)
    name, file = target.file_or_name(model, board is not None)
    opened = target.opened(model, board, variant, threads)
    with opened if board is not None else nullcontext():
        found = score_model(opened, file, data, metric, reference, name)
        source = "measured" if board is None else opened.source()
    score = found.score
    fields: dict[str, Any] = {
        "n": score.samples,
        "board": board or "host",
        "variant": found.variant,
        "model": model,
        score.metric: score.value,
    }
    if found.agreement is not None:
        fields |= {"agreement": found.agreement.value, "sqnr_db": found.sqnr_db}
    if as_json:
        output.document("edgeq.eval/1", **fields, score=asdict(score), source=source)
    else:
        output.line(f"{model} ({found.variant}) on {board or 'this machine'}: {shared.score_text(score)}")
        if found.agreement is not None:
            if found.agreement is not score:
                output.line(f"  against {reference}: {shared.score_text(found.agreement)}")
            output.line("  SQNR per output: " + ", ".join(f"{db:.1f} dB" for db in found.sqnr_db))
    if gate is not None and score.value < gate:
        output.note(f"gate not met: {score.metric} {score.value:.5g} is below {least}")
        return GateError.code
    return 0


def _gate(text: str | None) -> float | None:
    from edgeq_host.errors import UsageError

    if text is None:
        return None
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        if not math.isfinite(value):
            raise ValueError
    except ValueError:
        raise UsageError(f"--min {text}: not a number", "give a share (0.9) or percent (90%)") from None
    if not text.endswith("%") and value > 1:
        raise UsageError(f"--min {text}: a share is at most 1", f"give percent: {text}%")
    return value
