"""edgeq remove."""

from __future__ import annotations

from dataclasses import asdict

import click

from edgeq_host.cli import output, target


@output.command("remove")
@click.argument("name")
@target.board_option(required=True)
def command(name: str, board: str, as_json: bool) -> None:
    """Remove a model, its versions and unfinished uploads from a board. A program that has it open keeps it until it ends.

    \b
    edgeq remove model --board local
    """
    from edgeq_host.deploy import remove

    done = remove(target.resolve(board), name)
    if as_json:
        output.document("edgeq.remove/1", **asdict(done))
    else:
        output.line(f"{done.name} is removed from {done.board}")
