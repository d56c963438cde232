"""edgeq devices."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeq_host.cli import output, target
from edgeq_host.cli.key_options import KeyFile
from edgeq_host.errors import UsageError

if TYPE_CHECKING:
    from edgeq_host.inventory import Entry
    from edgeq_host.probe import Probe
    from edgeq_host.targets import Target


@click.group("devices")
def command() -> None:
    """Name your devices, ask them what they are, make them ready.

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
        for e in found:
            if e.wrong is not None:
                output.note(f"{e.name}: {e.wrong.text}; {e.wrong.hint}")
    else:
        output.line("no devices: edgeq devices add NAME pi@HOST names one")


def _fields(entry: Entry) -> dict[str, Any]:
    return asdict(entry) | {"path": str(entry.path)}


def _row(entry: Entry) -> tuple[str, ...]:
    return entry.name, entry.address or "-", entry.board or "-", " ".join(entry.tags) or "-", str(entry.path)


@output.subcommand(command, "add")
@click.argument("name", required=False)
@click.argument("address", required=False)
@click.option("--kind", "--board", "board", metavar="BOARD", help="The kind of board; without it the device is asked what it is.")
@click.option("--key", type=KeyFile(), help="A private key file for ssh, where its own choice does not do.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A name for --tag; may be given again.")
@click.option("--from", "table", type=click.Path(path_type=Path), help="A CSV file with columns name, address, board, key, tags.")
@click.option("--no-probe", is_flag=True, help="Do not ask the device what it is.")
@click.option("--user", is_flag=True, help="Into your own edgeq.toml, not the project's.")
@target.connection_options
def add_device(
    name: str | None,
    address: str | None,
    board: str | None,
    key: Path | None,
    tags: tuple[str, ...],
    table: Path | None,
    no_probe: bool,
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
    if one:
        inventory.check_key(new[0])
    for other, device in inventory.same_address(new):
        output.note(f"{device} has the address of {other}: two names of one device?")
    if one and not board and not no_probe:
        new = [_probed(new[0])]
    inventory.add(_place(user), new)
    if as_json:
        output.document("edgeq.devices/1", devices=[_fields(e) | {"path": str(_place(user))} for e in new])
        return
    for entry in new if one else []:
        output.line(f"{entry.name} is {entry.address}" + (f", {entry.board}" if entry.board else ""))
    if table:
        output.line(f"{output.counted(len(new), 'device')} of {table} added to {_place(user)}")


def _probed(entry: Entry) -> Entry:
    """With the kind of board that the device says it is."""
    from edgeq_host.identify import identify
    from edgeq_host.probe import probe

    found = probe(target.with_connection(entry))
    board = identify(found)
    if board is None:
        output.note(f"{entry.name}: no board file matches it; edgeq boards new ID --from {entry.name} writes one")
        return entry
    return replace(entry, board=board.id)


@output.subcommand(command, "remove")
@click.argument("name")
def remove_device(name: str, as_json: bool) -> None:
    """Forget a device. Nothing is changed on it."""
    from edgeq_host import inventory

    entry = _entry(name)
    assert entry.path is not None
    inventory.remove(entry.path, name)
    if as_json:
        output.document("edgeq.devices-remove/1", removed=_fields(entry))
    else:
        output.line(f"{name} is no longer in {entry.path}; what is on the device stays there")


def _entry(name: str) -> Entry:
    from edgeq_host.inventory import entries

    found = entries().get(name)
    if found is None:
        raise UsageError(f"there is no device {name!r}", f"your devices: {', '.join(entries()) or 'none'}")
    return found


@output.subcommand(command, "probe")
@click.argument("device", metavar="DEVICE")
@click.option("--save", is_flag=True, help="Write the kind of board that it says it is into edgeq.toml.")
@target.connection_options
def probe_device(device: str, save: bool, as_json: bool) -> None:
    """Ask a device what it is: board, processor, memory, disk, system, sensors. Nothing is left on it.

    \b
    edgeq devices probe kitchen
    edgeq devices probe pi@kitchen.local
    """
    from edgeq_host.cli.probe_view import show

    entry = _entry(device) if save else None
    found = show(target.resolve(device), as_json)
    if entry is not None:
        _save(entry, found)


def _save(entry: Entry, found: Probe) -> None:
    from edgeq_host import inventory
    from edgeq_host.identify import identify

    board = identify(found)
    if board is None:
        raise UsageError(f"no board file matches {entry.name}", f"edgeq boards new ID --from {entry.name} writes one")
    assert entry.path is not None
    inventory.change(entry.path, replace(entry, board=board.id))
    output.note(f"{entry.path}: {entry.name} is {board.id}")


@output.subcommand(command, "setup")
@click.argument("device", metavar="DEVICE")
@click.option("--python", is_flag=True, help="Install edgeq_runtime for the Python of the device.")
@click.option(
    "--interpreter", default="python3", show_default=True, metavar="PATH", help="Which Python of the device; that of a venv, too."
)
@click.option("--service", metavar="NAME", help="Keep a program running there: a systemd unit of the user.")
@click.option("--run", "program", metavar="COMMAND", help="The program of --service, as systemd starts it.")
@click.option("--remove", is_flag=True, help="Take away what --python or --service has put there.")
@target.connection_options
def setup_device(
    device: str, python: bool, interpreter: str, service: str | None, program: str | None, remove: bool, as_json: bool
) -> None:
    """Make a device ready: the agent, and where asked the Python package of the runtime or a service.

    \b
    edgeq devices setup kitchen
    edgeq devices setup kitchen --python
    edgeq devices setup kitchen --service camera --run 'python3 camera.py'
    edgeq devices setup kitchen --service camera --remove
    """
    if (service is not None and not remove) != (program is not None):
        raise UsageError(
            "--service NAME and --run COMMAND go together", "edgeq devices setup DEVICE --service camera --run 'python3 app.py'"
        )
    if python and service is not None:
        raise UsageError("--python and --service are two orders", "give one after the other")
    if remove and not python and service is None:
        raise UsageError("--remove takes away what --python or --service NAME has put there", "give one of them, too")
    on = target.resolve(device)
    if python:
        _setup_python(on, interpreter, remove, as_json)
    elif service is not None:
        _setup_service(on, service, program, as_json)
    else:
        _setup_agent(on, as_json)


def _setup_agent(on: Target, as_json: bool) -> None:
    from edgeq_host.deploy import status

    found = status(on)
    if as_json:
        output.document("edgeq.setup-agent/1", board=on.name, agent=found.device.agent, isas=found.device.isa_names)
    else:
        output.line(f"{on.name}: {found.device.agent} is there, with {', '.join(found.device.isa_names)}")


def _setup_python(on: Target, interpreter: str, remove: bool, as_json: bool) -> None:
    from edgeq_host.setup import python

    done = python.remove(on, interpreter) if remove else python.install(on, interpreter)
    if as_json:
        output.document("edgeq.setup-python/1", **asdict(done))
    elif isinstance(done, python.PythonRemoved):
        output.line(f"{on.name}: edgeq_runtime is removed" if done.changed else f"{on.name}: edgeq has installed no edgeq_runtime there")
    else:
        state = "is installed" if done.changed else "was there: nothing was changed"
        output.line(f"{on.name}: edgeq_runtime {done.version} for Python {done.python} {state}, with {', '.join(done.isas)}")


def _setup_service(on: Target, name: str, program: str | None, as_json: bool) -> None:
    from edgeq_host.setup import service

    done = service.stop(on, name) if program is None else service.start(on, name, program)
    if as_json:
        output.document("edgeq.setup-service/1", **asdict(done))
        return
    if program is not None:
        output.line(f"{on.name}: {done.unit} runs, and is started again whenever it ends")
    else:
        output.line(f"{on.name}: {done.unit} is removed" if done.changed else f"{on.name}: there is no {done.unit}")
    if done.linger:
        output.note(f"it runs only while the user is logged in: {done.linger}; there: sudo loginctl enable-linger $USER")
