"""edgeq bench."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeq_host.cli import output

if TYPE_CHECKING:
    from edgeq_host.bench.compare import Comparison
    from edgeq_host.bench.kernels import Report

KERNELS = "kernels"


@output.command("bench")
@click.argument("what", metavar="MODEL|kernels")
@click.option("--against", metavar="A,B", help="Engines to compare with: onnxruntime, litert. Default: all.")
@click.option("--data", type=click.Path(path_type=Path), help="Samples for the agreement of answers; default: noise.")
@click.option("--rounds", default=25, show_default=True, type=click.IntRange(3, 10_000), help="Rounds that are measured.")
def command(what: str, against: str | None, data: Path | None, rounds: int, as_json: bool) -> None:
    """Measure on this machine: a model beside other engines, or every kernel beside the CPU's peak.

    One thread, medians of thread CPU time, engines in turn, so that all meet the same moods of the machine.

    \b
    edgeq bench kernels
    edgeq bench model.tflite --against onnxruntime,litert
    """
    if what == KERNELS:
        _kernels(rounds, as_json)
        return
    from edgeq_host.bench.compare import ENGINES, compare, subject

    names = tuple(filter(None, (part.strip() for part in against.split(",")))) if against is not None else ENGINES
    found = compare(subject(Path(what)), names, rounds, data)
    if as_json:
        output.document("edgeq.bench/1", source="measured", **asdict(found))
    else:
        _comparison(found)


def _kernels(rounds: int, as_json: bool) -> None:
    from edgeq_host.bench.kernels import report

    found = report(rounds)
    if as_json:
        output.document("edgeq.bench-kernels/1", source="measured", **asdict(found))
    else:
        _report(found)


def _report(found: Report) -> None:
    output.line(f"{found.cpu}, one thread")
    output.table(["peak", "GMAC/s"], [(p.name, f"{p.gmacs:.1f}") for p in found.peaks])
    output.line()
    rows = [
        (x.kernel, x.isa, x.shape, f"{x.gmacs:.1f}", x.peak or "-", "-" if x.share is None else f"{100 * x.share:.0f}")
        for x in found.kernels
    ]
    output.table(["kernel", "isa", "shape", "GMAC/s", "of peak", "%"], rows, left=3)
    if found.unmeasured:
        output.line(f"not measured: {', '.join(found.unmeasured)}")


def _comparison(found: Comparison) -> None:
    output.line(f"{found.model}: {found.macs} MACs; {found.cpu} with {', '.join(found.isas)}; median of {found.rounds} rounds")
    rows = [("edgeq", f"{found.us:.1f}", "", "")]
    rows += [(f"{o.engine} {o.version}", f"{o.us:.1f}", f"{o.ratio:.2f}", f"{100 * (o.top1 or 0):.0f}") for o in found.others if o.us]
    output.table(["engine", "us", "edgeq is faster by", f"same top-1 of {found.samples}, %"], rows)
    for other in found.others:
        if other.reason:
            output.line(f"{other.engine}: not comparable: {other.reason}")
