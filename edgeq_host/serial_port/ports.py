"""The serial ports of this machine, by their USB identity. None of them is opened to find out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from edgeq_host.serial_port import address as addresses


@dataclass(frozen=True)
class Port:
    """path: its device. usb: ids of vendor and product, such as 0483:374B, empty where it is none of USB; number: its serial number.
    place: which socket it is plugged into, and which interface of the device it is. product: what the device calls itself."""

    path: str
    usb: str = ""
    number: str = ""
    place: str = ""
    product: str = ""

    @property
    def text(self) -> str:
        """For people."""
        said = [self.product, f"USB {self.usb}" if self.usb else "", f"number {self.number}" if self.number else ""]
        inside = ", ".join(part for part in said if part)
        return self.path + (f" ({inside})" if inside else "")

    @property
    def address(self) -> str:
        """That lasts longest: a path is another one after the cable was pulled."""
        return addresses.of_usb(self.usb, self.number) if self.usb and self.number else f"serial:{self.path}"


def present() -> list[Port]:
    """All that there are, in the order of their names."""
    from serial.tools import list_ports

    found = [_port(info) for info in list_ports.comports()]
    return sorted(found, key=lambda port: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", port.path)])


def _port(info: object) -> Port:
    """Of pyserial's ListPortInfo: what it does not know is None there."""
    vid, pid = getattr(info, "vid", None), getattr(info, "pid", None)
    texts = (str(getattr(info, key, None) or "") for key in ("device", "serial_number", "location", "product"))
    path, number, place, product = ("".join(c for c in text if c.isprintable()) for text in texts)
    return Port(path, "" if vid is None or pid is None else f"{vid:04X}:{pid:04X}", number, place, product)


def with_usb(ids: Iterable[str], number: str = "") -> list[Port]:
    """Those of one of the USB ids, and of a serial number where one is given."""
    wanted = {usb.upper() for usb in ids}
    return [port for port in present() if port.usb in wanted and number in ("", port.number)]


def at(path: str) -> Port:
    """What is known of the port at a path, which may be a link to its device."""
    real = os.path.realpath(path)
    return next((port for port in present() if os.path.realpath(port.path) == real), Port(path))


def again(before: Port) -> list[Port]:
    """Where a port is that was there before: by its serial number, or where it has none by the socket that it was plugged into."""
    same = [port for port in with_usb([before.usb]) if port.number == before.number]
    here = [port for port in same if port.place == before.place]
    moved = [port for port in same if before.number and port.place.partition(":")[2] == before.place.partition(":")[2]]
    return here or moved
