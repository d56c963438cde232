"""edgeq plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeq_host.cli import costs_view, fleet, output, target

if TYPE_CHECKING:
    from edgeq_host.estimate import Estimate
    from edgeq_host.plan import Plan
    from edgeq_host.probe import Place
    from edgeq_host.targets import Target


@output.command("plan")
@click.argument("file", type=click.Path(path_type=Path))
@target.boards_option
@click.option("--name", help="The name that deploy would use; default: the stem of FILE.")
@target.keep_option
@fleet.jobs_option
def command(
    file: Path,
    words: tuple[str, ...],
    every: bool,
    tags: tuple[str, ...],
    name: str | None,
    keep: int | None,
    jobs: int,
    as_json: bool,
) -> int:
    """Say what deploy would do and what the model takes there; writes nothing.

    \b
    edgeq plan model.eqm --board local
    """
    return show(file, target.resolve_all(words, every, tags), name, jobs, as_json, keep or 0)


def show(file: Path, targets: Sequence[Target], name: str | None, jobs: int, as_json: bool, keep: int) -> int:
    """Plan and print; the exit code."""
    from edgeq_host.plan import plan

    return fleet.each(targets, jobs, lambda on: plan(on, file, name, keep=keep), "edgeq.plan/1", _print, as_json)


def _print(found: Plan) -> None:
    q = output.quantity
    _print_device(found)
    output.line(f"  file     {q(found.bytes, 'B')}, of which {q(found.send_bytes - found.agent_bytes, 'B')} would be sent")
    output.line(f"  store    {q(found.store.free, 'B')} free, then {q(max(0, found.store.free_after), 'B')}")
    output.line(f"  memory   {q(found.memory.free, 'B')} free, {_open(found.memory.free_after)}")
    for v in found.variants:
        output.line(
            f"  {v.name}: arena {v.arena_bytes} bytes (activations {v.activation_bytes}, scratch {v.scratch_bytes}), "
            f"model memory {v.model_bytes} bytes (packed weights {v.packed_bytes})"
        )
    output.line(f"  {found.variants[0].name}: {_latency(found.estimate, len(found.layers))}" if found.estimate else found.estimate_note)
    if found.layers:
        _layers(found)
    for change in found.changes:
        output.line(f"would: {change}")
    if len(found.changes) == (found.agent_bytes > 0):
        output.line(f"would: change nothing{' else' if found.changes else ''}, this file is current there")
    for risk in found.risks:
        output.line(f"{'fails:' if risk.code else 'risk: '} {risk.what}: {risk.text}" + (f" (exit {risk.code})" if risk.code else ""))
        output.line(f"       {risk.remedy}")


def _layers(found: Plan) -> None:
    costs = [x.cost for x in found.layers]
    rows = [[i, x.name, x.op, x.kernel or "-", x.isa, x.packing or "-", x.macs] for i, x in enumerate(found.layers)]
    columns = ["#", "layer", "operator", "kernel", "isa", "packing", "MACs"]
    costs_view.table(columns, rows, costs)
    for line in costs_view.notes(found.layers, costs, found.isas, f"edgeq bench kernels --board {found.board}"):
        output.line(line)


def _open(free: int | None) -> str:
    return "the model was not opened" if free is None else f"{output.quantity(max(0, free), 'B')} while the largest variant is open"


def _latency(found: Estimate, layers: int) -> str:
    about = f"; {found.uncounted} of {output.counted(layers, 'layer')} have no rate and are not in it" if found.uncounted else ""
    return f"about {found.latency_us:.3g} us ({found.source}: rates {found.rates_source} {found.date} by {found.command}{about})"


def _print_device(found: Plan) -> None:
    """What is there."""
    device, probe, q = found.device, found.probe, output.quantity
    clock = f" at {q(device.clock_hz, 'Hz')}" if device.clock_hz else ""
    output.line(f"{found.name} on {found.board}: {device.machine}{clock}, {', '.join(found.isas)}")
    if (e := found.evidence) is not None:
        output.line(f"  board    {found.kind}; {e.kind}, {e.date}, edgeq {e.version}: {e.how}")
    if found.note:
        output.line(f"  note     {found.note}")
    if probe is not None:
        libc = f"{probe.libc} {probe.libc_version}".strip()
        parts = (probe.model, probe.os, libc, f"Python {probe.python}" if probe.python else "no python3")
        output.line(f"  device   {', '.join(filter(None, parts))}")
    if found.agent_bytes:
        where = _place(probe.agent) if probe is not None and probe.agent is not None else "there"
        output.line(f"  agent    {q(found.agent_bytes, 'B')}, not there yet: for this plan it lies in {where}, and is removed again")
    current = found.installed.current if found.installed is not None else None
    if current is not None:
        damage = f"; {current.damaged}" if current.damaged else ""
        output.line(f"  now      version {current.version}, {q(current.bytes, 'B')}, {current.sha256[:16]}{damage}")


def _place(agent: Place) -> str:
    """A file system of the disk keeps the agent of a plan only where no memory has room for it."""
    return f"{agent.path} ({'memory' if agent.in_memory else 'on the disk, as no memory has a place for it'})"
