"""edgeq deploy."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from edgeq_host.cli import output, plan, target


@output.command("deploy")
@click.argument("file", type=click.Path(path_type=Path))
@target.board_option(required=True)
@click.option("--name", help="The model's name on the board; default: the stem of FILE.")
@click.option("--dry-run", is_flag=True, help="The same as edgeq plan: nothing is written.")
@target.timeout_option
def command(file: Path, board: str, name: str | None, dry_run: bool, timeout: float, as_json: bool) -> None:
    """Install a model on a board: verified, self-tested there, then switched at once; the old version stays for rollback.

    \b
    edgeq deploy model.eqm --board local
    """
    if dry_run:
        plan.show(file, board, name, as_json)
        return
    from edgeq_host.deploy import deploy

    with output.bar(f"sending {file.name}") as progress:
        done = deploy(target.resolve(board), file, name, timeout, progress=progress)
    if as_json:
        output.document("edgeq.deploy/1", **asdict(done))
    elif done.changed:
        output.line(f"{done.name} version {done.version} runs on {done.board}: {done.bytes} bytes, self-test {done.selftest}")
    else:
        output.line(f"{done.name} version {done.version} is already on {done.board}: nothing was changed, self-test {done.selftest}")
