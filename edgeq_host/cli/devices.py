"""edgeq devices."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeq_host.cli import output
from edgeq_host.errors import UsageError

if TYPE_CHECKING:
    from edgeq_host.inventory import Entry


@click.group("devices")
def command() -> None:
    """Name your devices.

    \b
    edgeq devices add kitchen pi@kitchen.local
    edgeq devices list
    """


def _place(user: bool) -> Path:
    """The edgeq.toml that a change goes to: the project's where there is one."""
    from edgeq_host import settings

    return settings.user_path() if user else settings.project_path() or settings.user_path()


@output.subcommand(command, "list")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Those that have this tag, or another that is given.")
def list_devices(tags: tuple[str, ...], as_json: bool) -> None:
    """Your devices, as edgeq.toml names them. None of them is asked."""
    from edgeq_host.inventory import entries

    found = [e for e in entries().values() if not tags or set(tags) & set(e.tags)]
    if as_json:
        output.document("edgeq.devices/1", devices=[_fields(e) for e in found])
    elif found:
        output.table(["name", "address", "board", "tags", "from"], [_row(e) for e in found], left=5)
    else:
        output.line("no devices: edgeq devices add NAME pi@HOST names one")


def _fields(entry: Entry) -> dict[str, Any]:
    return asdict(entry) | {"path": str(entry.path)}


def _row(entry: Entry) -> tuple[str, ...]:
    return entry.name, entry.address, entry.board or "-", " ".join(entry.tags) or "-", str(entry.path)


@output.subcommand(command, "add")
@click.argument("name", required=False)
@click.argument("address", required=False)
@click.option("--kind", "--board", "board", metavar="BOARD", help="The kind of board.")
@click.option("--key", type=click.Path(path_type=Path), help="A private key file for ssh, where its own choice does not do.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A name for --tag; may be given again.")
@click.option("--from", "table", type=click.Path(path_type=Path), help="A CSV file with columns name, address, board, key, tags.")
@click.option("--user", is_flag=True, help="Into your own edgeq.toml, not the project's.")
def add_device(
    name: str | None,
    address: str | None,
    board: str | None,
    key: Path | None,
    tags: tuple[str, ...],
    table: Path | None,
    user: bool,
    as_json: bool,
) -> None:
    """Give a device a name, in the project's edgeq.toml or, without one, your own.

    \b
    edgeq devices add kitchen pi@kitchen.local --tag field
    edgeq devices add --from fleet.csv
    """
    from edgeq_host import inventory

    one = name is not None and address is not None
    if one == (table is not None) or (table is not None and (name or board or key or tags)):
        raise UsageError("give NAME and ADDRESS, or --from FILE.csv alone", "see edgeq devices add --help")
    new = inventory.from_csv(table) if table else [inventory.entry(name or "", address or "", board or "", str(key or ""), tags)]
    inventory.check_new(_place(user), new)
    inventory.add(_place(user), new)
    if as_json:
        output.document("edgeq.devices/1", devices=[_fields(e) | {"path": str(_place(user))} for e in new])
        return
    for entry in new if one else []:
        output.line(f"{entry.name} is {entry.address}" + (f", {entry.board}" if entry.board else ""))
    if table:
        output.line(f"{len(new)} devices of {table} are in {_place(user)}")


@output.subcommand(command, "remove")
@click.argument("name")
def remove_device(name: str, as_json: bool) -> None:
    """Forget a device. Nothing is changed on it."""
    from edgeq_host import inventory

    entry = _entry(name)
    assert entry.path is not None
    inventory.remove(entry.path, name)
    if as_json:
        output.document("edgeq.devices/1", removed=_fields(entry))
    else:
        output.line(f"{name} is no longer in {entry.path}; what is on the device stays there")


def _entry(name: str) -> Entry:
    from edgeq_host.inventory import entries

    found = entries().get(name)
    if found is None:
        raise UsageError(f"there is no device {name!r}", f"your devices: {', '.join(entries()) or 'none'}")
    return found
