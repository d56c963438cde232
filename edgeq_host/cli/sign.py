"""edgeq sign."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeq_host.cli import key_options, output
from edgeq_host.errors import SignatureError, UsageError

if TYPE_CHECKING:
    from edgeq_host.keys import PrivateKey, PublicKey

_HINT = "give --key, --key-fd or --key-env; or --public with --digest or --attach for a key that lies elsewhere"


@output.command("sign")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--counter", required=True, type=click.IntRange(min=1), help="Grows with every release: devices refuse smaller ones.")
@key_options.private_key_options("key", "The private key, as edgeq key new writes it.")
@click.option("--public", type=key_options.KeyFile(), help="With --digest and --attach: the public key.")
@click.option("--digest", is_flag=True, help="Give the bytes to be signed elsewhere: hex on stdout, or as they are with -o.")
@click.option("--attach", type=key_options.KeyFile(), metavar="SIG", help="Put in a signature that was made elsewhere.")
@click.option("-o", "--output", "target", type=click.Path(path_type=Path), help="The file to write; default: FILE itself.")
@click.option("--force", is_flag=True, help="Replace a signature that is there.")
def command(
    file: Path,
    counter: int,
    load: Callable[[], PrivateKey] | None,
    public: Path | None,
    digest: bool,
    attach: Path | None,
    target: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Sign an .eqm file with an Ed25519 key. Devices where that key is enrolled take it; its body does not change.

    \b
    edgeq sign model.eqm --counter 7 --key release.key
    edgeq sign model.eqm --counter 7 --public release.pub --digest -o message.bin
    edgeq sign model.eqm --counter 7 --public release.pub --attach message.sig
    """
    from edgeq_host import signing
    from edgeq_host.export import read_file, write_file
    from edgeq_host.keys import read_public

    if [load is not None, digest, attach is not None].count(True) != 1 or (load is None) != (public is not None):
        raise UsageError("one key signs, here or elsewhere", _HINT)
    data = read_file(file)
    elsewhere = read_public(public, "--public") if public is not None else None
    if digest:
        assert elsewhere is not None
        _give(signing.message(data, str(file), elsewhere, counter), file, target, as_json)
        return
    if elsewhere is not None and attach is not None:
        signature = signing.read_signature(attach)
        signed = signing.attach(data, str(file), elsewhere, counter, signature)
    else:
        assert load is not None
        signed = signing.sign(data, str(file), load(), counter)
    _guard(data, file, force)
    write_file(target or file, signed)
    _say(signed, target or file, elsewhere, as_json)


def _guard(data: bytes, file: Path, force: bool) -> None:
    from edgeq_host.signing import claim

    found = claim(data)
    if found is not None and not force:
        text = f"{file} is signed already, by the key {found.id} with counter {found.counter}"
        raise SignatureError(text, "--force replaces that signature; nothing was written")


def _give(message: bytes, file: Path, target: Path | None, as_json: bool) -> None:
    from edgeq_host.export import write_file

    if target is not None:
        if target.exists() and target.samefile(file):
            raise UsageError(f"{target} would be overwritten: it is the file to be signed", "choose another name with -o")
        write_file(target, message)
    if as_json:
        output.document("edgeq.sign-digest/1", file=str(target) if target else None, message=message)
    else:
        output.line(f"{target}: {len(message)} bytes to be signed with Ed25519 (no hash before it)" if target else message.hex())


def _say(signed: bytes, target: Path, public: PublicKey | None, as_json: bool) -> None:
    from edgeq_host.signing import claim

    found = claim(signed)
    assert found is not None
    if as_json:
        output.document("edgeq.sign/1", file=str(target), bytes=len(signed), id=found.id, counter=found.counter)
    else:
        output.line(f"{target}: signed by {f'{public.name} ' if public else 'the key '}{found.id}, counter {found.counter}")
