"""edgeq key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeq_host.cli import key_options, output

if TYPE_CHECKING:
    from edgeq_host.keys import Secret


@click.group("key")
def command() -> None:
    """Keys that sign .eqm files, and which of them a device takes."""


@output.command("new")
@click.option(
    "-o", "--output", "target", required=True, type=click.Path(path_type=Path), help="The private key; the public one is beside it: .pub."
)
@click.option("--name", help="What devices call it; default: the stem of the file.")
@key_options.passphrase_options
@click.option("--force", is_flag=True, help="Overwrite a key. What it has signed cannot be followed by anything then.")
def new_command(target: Path, name: str | None, passphrase: Secret | None, force: bool, as_json: bool) -> None:
    """Make an Ed25519 key: the private one for you alone (mode 0600), the public one for devices and for edgeq verify.

    \b
    edgeq key new -o release.key
    """
    from edgeq_host.keys import create

    made = create(target, target.stem if name is None else name, passphrase, force)
    beside = target.with_suffix(".pub")
    if as_json:
        output.document("edgeq.key/1", name=made.name, id=made.id, private=str(target), public=str(beside))
    else:
        output.line(f"{target}: private key {made.name} ({made.id}); keep a copy where nothing else is")
        output.line(f"{beside}: its public key")


for _command in (new_command,):
    command.add_command(_command)
