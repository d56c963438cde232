"""`socket://host:port`: a serial line over TCP, such as that of an emulator or of ser2net."""

from __future__ import annotations

from edgeq_host.serial_port import address as addresses
from edgeq_host.transports import DEFAULT, Options, Transport


def check(rest: str) -> None:
    """UsageError for what is no host and port."""
    addresses.parse_socket(rest)


def open_address(rest: str, options: Options = DEFAULT) -> Transport:
    """LinkError where nothing takes the connection."""
    from edgeq_host.serial_port.line import SocketLine

    return SocketLine(addresses.parse_socket(rest), options.cancel)
