"""`serial:PATH` and `serial:usb:VENDOR:PRODUCT[:NUMBER]`: a microcontroller on a serial port of this machine. docs/serial.md."""

from __future__ import annotations

from edgeq_host.serial_port import address as addresses
from edgeq_host.transports import DEFAULT, Options, Transport


def check(rest: str) -> None:
    """UsageError for what names no port."""
    addresses.parse(rest)


def open_address(rest: str, options: Options = DEFAULT) -> Transport:
    """UsageError where it means no port or several; LinkError where it cannot be opened."""
    from edgeq_host.serial_port.line import SerialLine  # pyserial, which takes its time

    return SerialLine(addresses.parse(rest), options.cancel)


def unanswered(rest: str, board: str) -> str:
    """What to do where nothing answers. board: its kind, empty where nobody has said it."""
    from edgeq_host.serial_port import trouble

    return trouble.unanswered(addresses.parse(rest), board)
