"""edgeq bench."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from edgeq_host.cli import key_options, output, shared, target
from edgeq_host.errors import EdgeqError, UsageError

if TYPE_CHECKING:
    from edgeq_host.bench.compare import Comparison
    from edgeq_host.bench.kernels import Report
    from edgeq_host.keys import PrivateKey

KERNELS = "kernels"


@output.command("bench")
@click.argument("what", metavar="MODEL|kernels")
@target.board_option(required=False)
@click.option("--all", "every", is_flag=True, help="On a board: also the kernels that no operator chooses there.")
@click.option("--against", metavar="A,B", help="Engines to compare with: onnxruntime, litert. Default: all.")
@click.option("--data", type=click.Path(path_type=Path), help="Samples for the agreement of answers; default: noise.")
@key_options.private_key_options(
    "key", "On a board with enrolled keys: the private key of one of them, to sign the layer that is measured."
)
@click.option("--rounds", default=25, show_default=True, type=click.IntRange(3, 10_000), help="Rounds that are measured.")
def command(
    what: str,
    board: str | None,
    every: bool,
    against: str | None,
    data: Path | None,
    load: Callable[[], PrivateKey] | None,
    rounds: int,
    as_json: bool,
) -> None:
    """Measure on this machine: a model beside other engines, or every kernel beside the CPU's peak; with --board a device's kernels.

    One thread, medians of thread CPU time, engines in turn, so that all meet the same moods of the machine. The rates of a device
    are kept on this machine: `edgeq plan` estimates latency from them.

    \b
    edgeq bench kernels --board local
    edgeq bench kernels --board kitchen --key release.key
    edgeq bench model.tflite --against onnxruntime,litert
    """
    if load and not (what == KERNELS and board):
        raise UsageError("--key is of a board's kernels", "leave it out")
    if what == KERNELS:
        _check_kernels(board, every, against, data, rounds)
        _show(_on_board(board, rounds, every, load) if board else _here(rounds), as_json)
        return
    _check_model(what, every)
    from edgeq_host.bench.compare import ENGINES, compare, subject

    names = shared.names(against) if against is not None else ENGINES
    found = compare(subject(Path(what)), names, rounds, data)
    if as_json:
        output.document("edgeq.bench/1", source="measured", **asdict(found))
    else:
        _comparison(found)


def _check_kernels(board: str | None, every: bool, against: str | None, data: Path | None, rounds: int) -> None:
    if against is not None or data is not None:
        raise UsageError("--against and --data are of models, not of kernels", "give a MODEL, or leave them out")
    if every and not board:
        raise UsageError("--all is of a board", "this machine measures every kernel without it; give --board for another")
    if board:
        from edgeq_host.bench.board import MAX_ROUNDS

        if rounds > MAX_ROUNDS:
            raise UsageError(f"--rounds {rounds} on a board", f"an agent measures at most {MAX_ROUNDS}")


def _check_model(what: str, every: bool) -> None:
    """EDGEQ_BOARD and edgeq.toml may name a board: that is no wish to measure the model there."""
    given = click.get_current_context().get_parameter_source("board")
    if every or given is ParameterSource.COMMANDLINE:
        raise UsageError("other engines are measured on this machine alone", "edgeq profile measures a model on a board")
    if not Path(what).is_file():
        raise UsageError(f"there is no file {what}", f"give a model (.onnx, .tflite, .pt2, .eqm), or the word {KERNELS}")


def _here(rounds: int) -> Report:
    from edgeq_host.bench.kernels import report

    return report(rounds)


def _on_board(board: str, rounds: int, every: bool, load: Callable[[], PrivateKey] | None) -> Report:
    from edgeq_host import rates
    from edgeq_host.bench.board import measure
    from edgeq_host.bench.kernels import of_board

    key = load() if load else None
    on = target.resolve(board)
    with output.bar("measuring") as progress:
        found = measure(on, rounds, every, seen=progress, key=key)
    try:
        output.note(f"kept for edgeq plan: {rates.save(found.rates)}")
    except EdgeqError as error:
        output.note(f"warning: edgeq plan will not know these rates: {error.message}; {error.hint}")
    return of_board(found)


def _show(found: Report, as_json: bool) -> None:
    if as_json:
        output.document("edgeq.bench-kernels/1", **asdict(found))
        return
    where = f"{found.board}: {found.cpu}, {found.source}" if found.board else found.cpu
    output.line(f"{where}, one thread, with {', '.join(found.isas)}")
    if found.peaks:
        output.table(["peak", "GMAC/s"], [(p.name, f"{p.gmacs:.1f}") for p in found.peaks])
        output.line()
    columns = ["kernel", "isa", "shape", "ns", "GMAC/s", "Gelem/s", *(["of peak", "%"] if found.peaks else [])]
    rows = [
        (
            x.kernel,
            x.isa,
            x.shape,
            f"{x.ns:.1f}",
            *("-" if v is None else f"{v:.3g}" for v in (x.gmacs, x.gelems)),
            x.peak or "-",
            _percent(x.share),
        )
        for x in found.kernels
    ]
    output.table(columns, [row[: len(columns)] for row in rows], left=3)
    if found.unmeasured:
        output.line(f"not measured: {', '.join(found.unmeasured)}")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f}"


def _comparison(found: Comparison) -> None:
    output.line(f"{found.model}: {found.macs} MACs; {found.cpu} with {', '.join(found.isas)}; median of {found.rounds} rounds")
    rows = [("edgeq", f"{found.us:.1f}", "", "")]
    rows += [(f"{o.engine} {o.version}", f"{o.us:.1f}", f"{o.ratio:.2f}", f"{100 * (o.top1 or 0):.0f}") for o in found.others if o.us]
    output.table(["engine", "us", "edgeq is faster by", f"same top-1 of {found.samples}, %"], rows)
    for other in found.others:
        if other.reason:
            output.line(f"{other.engine}: not comparable: {other.reason}")
