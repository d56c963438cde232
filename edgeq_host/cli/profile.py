"""edgeq profile."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from edgeq_host.cli import output, target
from edgeq_host.units import counted

if TYPE_CHECKING:
    from edgeq_host.profile import Profile

HERE = "local"  # the board that is this machine


@output.command("profile")
@click.argument("model", metavar="FILE|NAME")
@target.board_option(required=False)
@click.option("--runs", default=100, show_default=True, type=click.IntRange(1, 1_000_000), help="Inferences that are measured.")
@click.option("--warmup", default=10, show_default=True, type=click.IntRange(0, 1_000_000), help="Inferences before, not counted.")
@click.option("--variant", help="A precision of the file; default: its first.")
@target.threads_option
def command(model: str, board: str | None, runs: int, warmup: int, variant: str | None, threads: int, as_json: bool) -> None:
    """Measure latency layer by layer, here or on a board, with the kernel that each layer runs.

    \b
    edgeq profile model.eqm
    edgeq profile model --board local
    """
    from edgeq_host.profile import profile

    name, data = target.file_or_name(model, board is not None)
    with output.bar("measuring") as progress:
        found = profile(target.resolve(board or HERE), name, data, variant or "", runs, warmup, seen=progress, threads=threads)
    if as_json:
        output.document("edgeq.profile/1", **asdict(found))
    else:
        _print(found)


def _print(found: Profile) -> None:
    latency, threads = found.latency_us, counted(found.threads, "thread")
    output.line(
        f"{found.name} ({found.variant}) on {found.board}, {found.source}, {threads}: median {latency.median:.1f} us, "
        f"p90 {latency.p90:.1f} us, p99 {latency.p99:.1f} us, {found.runs} runs after {found.warmup} to warm up"
    )
    rows = [
        (
            x.name,
            x.op,
            x.kernel or "-",
            x.isa,
            x.packing or "-",
            x.macs,
            *(f"{v:.2f}" for v in (x.median_us, x.p90_us, x.p99_us, 100 * x.share)),
        )
        for x in found.layers
    ]
    columns = ["layer", "operator", "kernel", "isa", "packing", "MACs", "median us", "p90 us", "p99 us", "share %"]
    output.table(columns, rows, left=5)
