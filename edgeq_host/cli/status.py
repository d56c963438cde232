"""edgeq status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edgeq_host.cli import fleet, output, target

if TYPE_CHECKING:
    from edgeq_host.deploy import Status
    from edgeq_host.installed import Installed


def _note(model: Installed) -> str:
    """What is out of order."""
    unfinished = f"unfinished upload, {model.unfinished} bytes"
    alone = model.current is None and not model.damaged
    return "; ".join(part for part in (model.damaged, unfinished if model.unfinished or alone else "") if part)


@output.command("status")
@click.argument("name", required=False)
@target.boards_option
@fleet.jobs_option
def command(name: str | None, words: tuple[str, ...], every: bool, tags: tuple[str, ...], jobs: int, as_json: bool) -> int:
    """What a board is and which models it has.

    \b
    edgeq status --board local
    """
    from edgeq_host.deploy import status

    found = target.resolve_all(words, every, tags)
    return fleet.each(found, jobs, lambda on: status(on, name), "edgeq.status/1", _print, as_json)


def _print(found: Status) -> None:
    facts = found.device
    output.line(f"{found.board}: {facts.machine}, {facts.system}, agent {facts.agent}, {', '.join(facts.isa_names)}")
    free, of, store = (output.quantity(n, "B") for n in (facts.memory_free, facts.memory_bytes, facts.store_free))
    output.line(f"  memory {free} free of {of}, store {store} free")
    if not found.models:
        output.line("no models: edgeq deploy installs one")
        return
    rows = [
        (
            m.name,
            m.current.version if m.current else "-",
            m.current.bytes if m.current else "-",
            m.current.sha256[:16] if m.current else "-",
            ", ".join(str(v.version) for v in m.versions[1:]) or "-",
            _note(m),
        )
        for m in found.models
    ]
    output.table(["model", "version", "bytes", "sha256", "others", ""], rows)
