"""edgeq rollback."""

from __future__ import annotations

from dataclasses import asdict

import click

from edgeq_host.cli import output, target


@output.command("rollback")
@click.argument("name")
@target.board_option(required=True)
@target.timeout_option
def command(name: str, board: str, timeout: float, as_json: bool) -> None:
    """Go back to the previous version of a model; once more, and the newer one is back.

    \b
    edgeq rollback model --board local
    """
    from edgeq_host.deploy import rollback

    done = rollback(target.resolve(board), name, timeout)
    if as_json:
        output.document("edgeq.rollback/1", **asdict(done))
    else:
        before = f" (was {done.replaced.version})" if done.replaced else ""
        output.line(f"{done.name} version {done.version}{before} runs on {done.board}")
