"""edgeq log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edgeq_host.cli import fleet, output, target

if TYPE_CHECKING:
    from edgeq_host.log import Log


@output.command("log")
@click.argument("name", required=False)
@target.boards_option
@fleet.jobs_option
def command(name: str | None, words: tuple[str, ...], every: bool, tags: tuple[str, ...], jobs: int, as_json: bool) -> int:
    """What has happened on a board: installed, rolled back, removed, keys changed, failed. The board keeps the last 256 to 512 entries.

    \b
    edgeq log --board local
    """
    from edgeq_host.log import log

    found = target.resolve_all(words, every, tags)
    return fleet.each(found, jobs, lambda on: log(on, name), "edgeq.log/1", _print, as_json)


def _print(found: Log) -> None:
    if not found.entries:
        output.line(f"{found.board}: nothing has happened")
        return
    rows = [(e.number, e.time or "-", e.name, e.version or "-", e.text + (f" ({e.detail})" if e.detail else "")) for e in found.entries]
    output.line(f"{found.board}:")
    output.table(["#", "time", "model", "version", "what"], rows, left=5)
