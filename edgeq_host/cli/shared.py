"""Options and phrases that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edgeq_host.errors import UsageError

if TYPE_CHECKING:
    from edgeq_host.export import Score
    from edgeq_host.importers.common import ImportOptions
    from edgeq_host.metrics import Difference

F = TypeVar("F", bound=Callable[..., Any])
SHARES = ("top1", "top5", "agreement")  # metrics that are printed as percent


def import_options(function: F) -> F:
    """How the source is read: --shape, --inputs, --outputs."""
    function = click.option("--outputs", metavar="A,B", help="Cut the graph: end at these nodes or tensors.")(function)
    function = click.option("--inputs", metavar="A,B", help="Cut the graph: begin at these tensors.")(function)
    return click.option(
        "--shape",
        multiple=True,
        metavar="NAME=1,3,96,96",
        help="The shape of an input: one that is left open, or another than the file's that its operators can follow.",
    )(function)


def parse_import(shapes: tuple[str, ...], inputs: str | None, outputs: str | None) -> ImportOptions:
    from edgeq_host.importers.common import ImportOptions

    return ImportOptions(dict(_shape(text) for text in shapes), names(inputs), names(outputs))


def names(text: str | None) -> tuple[str, ...]:
    """Of a list with commas; none of None."""
    return tuple(filter(None, (part.strip() for part in (text or "").split(","))))


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    name, equals, dims = text.rpartition("=")
    try:
        shape = tuple(int(d) for d in dims.split(","))
    except ValueError:
        shape = ()
    if not equals or not name or not shape or min(shape) < 1:
        raise UsageError(f"--shape {text}: not a name and its dimensions", "for example --shape image=1,3,96,96")
    return name, shape


def guard_outputs(outputs: Sequence[Path], inputs: Sequence[Path | None], suffix: str) -> None:
    """UsageError where a file to write is one that is read, or has another ending."""
    for target in outputs:
        for source in inputs:
            if source is not None and source.exists() and target.exists() and target.samefile(source):
                raise UsageError(f"{target} would be overwritten: it is an input of this command", "choose another name with -o")
        if target.suffix != suffix and (target.is_file() or not target.exists()):
            raise UsageError(f"{target} does not end in {suffix}", f"name it {target.with_suffix(suffix).name}")


def score_text(score: Score) -> str:
    """ "top1 98.83 % (95 % interval 97.6 to 99.4, n = 599)"."""
    if score.metric in SHARES:
        numbers = f"{100 * score.value:.2f} % (95 % interval {100 * score.low:.2f} to {100 * score.high:.2f}"
    else:
        numbers = f"{score.value:.5g} (95 % interval {score.low:.5g} to {score.high:.5g}"
    return f"{score.metric} {numbers}, n = {score.samples})"


def difference_text(difference: Difference) -> str:
    """A paired difference; points for shares."""
    scale, unit, digits = (100, " points", ".2f") if difference.metric in SHARES else (1, "", ".5g")
    values = [format(scale * v, "+" + digits) for v in (difference.value, difference.low, difference.high)]
    noise = ": within noise" if difference.within_noise else ""
    return f"{values[0]}{unit} (95 % interval {values[1]} to {values[2]}, paired){noise}"
