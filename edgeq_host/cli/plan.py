"""edgeq plan."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from edgeq_host.cli import output, target


@output.command("plan")
@click.argument("file", type=click.Path(path_type=Path))
@target.board_option(required=True)
@click.option("--name", help="The name that deploy would use; default: the stem of FILE.")
def command(file: Path, board: str, name: str | None, as_json: bool) -> None:
    """Say what deploy would do and what the model takes there; writes nothing.

    \b
    edgeq plan model.eqm --board local
    """
    show(file, board, name, as_json)


def show(file: Path, board: str, name: str | None, as_json: bool) -> None:
    """Plan and print."""
    from edgeq_host.plan import plan

    found = plan(target.resolve(board), file, name)
    if as_json:
        output.document("edgeq.plan/1", **asdict(found))
        return
    print_plan(found)
