"""edgeq doctor."""

from __future__ import annotations

from dataclasses import asdict

import click

from edgeq_host.cli import output, target


@output.command("doctor")
@click.option(
    "-b", "--board", envvar="EDGEQ_BOARD", default="local", show_default=True, metavar="BOARD", help="The board whose agent is tried."
)
def command(board: str, as_json: bool) -> int:
    """Look whether everything that edgeq needs is there and works, and say what to do where not.

    \b
    edgeq doctor
    """
    from edgeq_host.doctor import examine
    from edgeq_host.errors import UsageError

    findings = list(examine(target.resolve(board)))
    if as_json:
        output.document("edgeq.doctor/1", findings=[asdict(f) for f in findings])
    else:
        output.table(["", "", "", ""], [(f.what, f.state, f.text, f.hint) for f in findings], left=4)
    return UsageError.code if any(f.state == "fails" for f in findings) else 0
