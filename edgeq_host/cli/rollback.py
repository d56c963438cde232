"""edgeq rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edgeq_host.cli import fleet, interrupt, output, target

if TYPE_CHECKING:
    from edgeq_host.deploy import RolledBack


@output.command("rollback")
@click.argument("name")
@target.boards_option
@target.timeout_option
@fleet.jobs_option
def command(name: str, words: tuple[str, ...], every: bool, tags: tuple[str, ...], timeout: float, jobs: int, as_json: bool) -> int:
    """Go back to the previous version of a model, or with NAME@VERSION to one that was kept; once more, and the newer one is back.

    Several devices go to NAME@VERSION only where it is the same file on all of them.

    \b
    edgeq rollback model --board local
    edgeq rollback model@3 --board local
    """
    from edgeq_host.deploy import rollback
    from edgeq_host.fleet.rollbacks import one_file

    if "@" not in name:
        interrupt.advise("nothing is half done; a second rollback would undo the first: edgeq status says which version runs")
    found = target.resolve_all(words, every, tags)
    sha256 = one_file(found, name, jobs) if "@" in name and len(found) > 1 else ""
    return fleet.each(found, jobs, lambda on: rollback(on, name, timeout, sha256=sha256), "edgeq.rollback/1", _print, as_json)


def _print(done: RolledBack) -> None:
    before = f" (was {done.replaced.version})" if done.replaced else ""
    output.line(f"{done.name} version {done.version}{before} runs on {done.board}")
