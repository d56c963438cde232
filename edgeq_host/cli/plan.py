"""edgeq plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeq_host.cli import fleet, output, target

if TYPE_CHECKING:
    from edgeq_host.plan import Plan
    from edgeq_host.targets import Target


@output.command("plan")
@click.argument("file", type=click.Path(path_type=Path))
@target.boards_option
@click.option("--name", help="The name that deploy would use; default: the stem of FILE.")
@fleet.jobs_option
def command(file: Path, words: tuple[str, ...], every: bool, tags: tuple[str, ...], name: str | None, jobs: int, as_json: bool) -> int:
    """Say what deploy would do and what the model takes there; writes nothing.

    \b
    edgeq plan model.eqm --board local
    """
    return show(file, target.resolve_all(words, every, tags), name, jobs, as_json)


def show(file: Path, targets: Sequence[Target], name: str | None, jobs: int, as_json: bool, keep: int = 0) -> int:
    """Plan and print; the exit code."""
    from edgeq_host.plan import plan

    return fleet.each(targets, jobs, lambda on: plan(on, file, name, keep=keep), "edgeq.plan/1", _print, as_json)


def _print(found: Plan) -> None:
    device, first = found.device, found.variants[0]
    clock = f" at {output.quantity(device.clock_hz, 'Hz')}" if device.clock_hz else ""
    output.line(f"{found.name} on {found.board}: {device.machine}{clock}, {', '.join(found.isas)}")
    if (e := found.evidence) is not None:
        output.line(f"  board  {e.kind}, {e.date}, edgeq {e.version}: {e.how}")
    output.line(f"  file   {found.bytes} bytes, store {output.quantity(device.store_free, 'B')} free")
    for v in found.variants:
        output.line(
            f"  {v.name}: arena {v.arena_bytes} bytes (activations {v.activation_bytes}, scratch {v.scratch_bytes}), "
            f"model memory {v.model_bytes} bytes (packed weights {v.packed_bytes})"
        )
    output.line(f"  memory {output.quantity(device.memory_free, 'B')} free of {output.quantity(device.memory_bytes, 'B')}")
    about = f"; {found.estimate.uncounted} layers without a rate are not in it" if found.estimate.uncounted else ""
    output.line(f"  {first.name}: about {found.estimate.latency_us:.0f} us ({found.estimate.source}{about})")
    rows = [(i, x.name, x.op, x.kernel or "-", x.isa, x.packing or "-", x.macs) for i, x in enumerate(found.layers)]
    output.table(["#", "layer", "operator", "kernel", "isa", "packing", "MACs"], rows, left=6)
    for change in found.changes:
        output.line(f"would: {change}")
    for risk in found.risks:
        output.line(f"{'fails:' if risk.code else 'risk: '} {risk.what}: {risk.text}" + (f" (exit {risk.code})" if risk.code else ""))
        output.line(f"       {risk.remedy}")
