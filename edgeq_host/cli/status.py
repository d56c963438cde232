"""edgeq status."""

from __future__ import annotations

from dataclasses import asdict

import click

from edgeq_host.cli import output, target


@output.command("status")
@click.argument("name", required=False)
@target.board_option(required=True)
def command(name: str | None, board: str, as_json: bool) -> None:
    """What a board is and which models it has.

    \b
    edgeq status --board local
    """
    from edgeq_host.deploy import status

    found = status(target.resolve(board), name)
    if as_json:
        output.document("edgeq.status/1", **asdict(found))
        return
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
            m.previous.version if m.previous else "-",
            m.damaged,
        )
        for m in found.models
    ]
    output.table(["model", "version", "bytes", "sha256", "previous", ""], rows)
