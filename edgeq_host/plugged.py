"""Boards on the serial ports of this machine that nobody has given a name: found by the USB ids that board files say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edgeq_host import boards
from edgeq_host.boards import Board
from edgeq_host.inventory import Entry
from edgeq_host.serial_port import address as addresses
from edgeq_host.serial_port import ports
from edgeq_host.serial_port.ports import Port


def kinds(name: str) -> list[Board]:
    """The boards that a kind or family means, of those that are known by USB ids."""
    return [board for board in boards.family(name) or [boards.resolve(name)] if board.usb]


def free(meant: Sequence[Board], entries: Iterable[Entry]) -> list[Port]:
    """Ports that one of the boards may be behind and no device of the user names. Nothing is opened, no port of other ids is looked at."""
    ids = {usb for board in meant for usb in board.usb}
    found = ports.with_usb(ids) if ids else []
    named = [addresses.parse(entry.address.partition(":")[2]) for entry in entries if entry.address.startswith("serial:")] if found else []
    return [port for port in found if not any(_names(address, port) for address in named)]


def _names(address: addresses.Address, port: Port) -> bool:
    if address.path:
        return ports.at(address.path).path == port.path
    return port.usb == address.usb and address.number in ("", port.number)


def to_add(port: Port, meant: Sequence[Board]) -> str:
    """The line that names the device behind a port."""
    found = [board.id for board in meant if port.usb in board.usb]
    kind = f" --board {found[0]}" if len(found) == 1 else ""
    return f"edgeq devices add NAME {port.address}{kind}"
