"""edgeq verify."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from edgeq_host.cli import output
from edgeq_host.cli.key_options import KeyFile


@output.command("verify")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--key", "files", required=True, multiple=True, metavar="PUB", type=KeyFile(), help="A public key; repeatable.")
def command(file: Path, files: tuple[Path, ...], as_json: bool) -> None:
    """Say which of the keys has signed an .eqm file, and with which counter. Code 6: none of them has, or the file was changed since.

    \b
    edgeq verify model.eqm --key release.pub
    """
    from edgeq_host.export import read_file
    from edgeq_host.keys import read_public
    from edgeq_host.signing import verify

    found = verify(read_file(file), str(file), [read_public(path, "--key") for path in files])
    if as_json:
        output.document("edgeq.verify/1", file=str(file), **asdict(found))
    else:
        output.line(f"{file}: signed by {found.name} ({found.id}), counter {found.counter}")
