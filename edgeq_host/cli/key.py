"""edgeq key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from edgeq_host.cli import key_options, output, target

if TYPE_CHECKING:
    from edgeq_host.enroll import KeyChange
    from edgeq_host.keys import PrivateKey, Secret

    Load: TypeAlias = Callable[[], PrivateKey]


@click.group("key")
def command() -> None:
    """Keys that sign .eqm files, and which of them a device takes."""


@output.subcommand(command, "new")
@click.option(
    "-o", "--output", "file", required=True, type=click.Path(path_type=Path), help="The private key; the public one is beside it: .pub."
)
@click.option("--name", help="What devices call it; default: the stem of the file.")
@key_options.passphrase_options
@click.option("--force", is_flag=True, help="Overwrite a key. What it has signed cannot be followed by anything then.")
def new_command(file: Path, name: str | None, passphrase: Secret | None, force: bool, as_json: bool) -> None:
    """Make an Ed25519 key: the private one for you alone (mode 0600), the public one for devices and for edgeq verify.

    \b
    edgeq key new -o release.key
    """
    from edgeq_host.keys import create

    made = create(file, file.stem if name is None else name, passphrase, force)
    beside = file.with_suffix(".pub")
    if as_json:
        output.document("edgeq.key/1", name=made.name, id=made.id, private=str(file), public=str(beside))
    else:
        output.line(f"{file}: private key {made.name} ({made.id}); keep a copy where nothing else is")
        output.line(f"{beside}: its public key")


@output.subcommand(command, "list")
@target.board_option(required=True)
def list_command(board: str | None, as_json: bool) -> None:
    """The keys that a device takes. Without any it takes every file, signed or not.

    \b
    edgeq key list --board local
    """
    from edgeq_host.enroll import enrolled

    on = target.resolve(board)
    found = enrolled(on)
    if as_json:
        output.document("edgeq.keys/1", board=on.name, keys=[{"place": e.place, "name": e.key.name, "id": e.key.id} for e in found])
    elif found:
        output.table(["place", "name", "id"], [(e.place, e.key.name, e.key.id) for e in found], left=3)
    else:
        output.line(f"no keys on {on.name}: it takes every file, signed or not")


@output.subcommand(command, "enroll")
@click.argument("file", metavar="PUB", type=key_options.KeyFile())
@target.board_option(required=True)
@click.option("--name", help="What the device calls it; default: the name in the file.")
@key_options.private_key_options("by", "The private key of one that the device has: needed for all but the first.")
def enroll_command(file: Path, board: str | None, name: str | None, load: Load | None, as_json: bool) -> None:
    """Let a device take files that this key has signed, and from then on only signed ones.

    \b
    edgeq key enroll release.pub --board local
    edgeq key enroll next.pub --board local --by release.key
    """
    from edgeq_host.enroll import enroll
    from edgeq_host.keys import PublicKey, read_public

    public = read_public(file, "PUB")
    by = load() if load else None
    _say(enroll(target.resolve(board), PublicKey(public.raw, name or public.name), by), "enrolled", as_json)


@output.subcommand(command, "revoke")
@click.argument("which", metavar="ID|NAME")
@target.board_option(required=True)
@key_options.private_key_options("by", "The private key of one that the device has, which may be this one.")
def revoke_command(which: str, board: str | None, load: Load | None, as_json: bool) -> None:
    """Take a key from a device. Installed models stay; what this key has signed is not installed any more.

    \b
    edgeq key revoke release --board local --by next.key
    """
    from edgeq_host.enroll import revoke

    by = load() if load else None
    _say(revoke(target.resolve(board), which, by), "revoked", as_json)


def _say(change: KeyChange, what: str, as_json: bool) -> None:
    if as_json:
        output.document("edgeq.key-change/1", **asdict(change))
        return
    output.line(f"{change.board}: {change.name} ({change.id}) {what if change.changed else f'was {what} already'}")
    if not change.left:
        output.note("no key is left: every file is taken, signed or not")
