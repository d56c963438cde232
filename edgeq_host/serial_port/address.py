"""Addresses of serial ports: PATH or usb:VENDOR:PRODUCT[:NUMBER], and options behind a `?`. docs/serial.md is the page for users."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote

from edgeq_host.errors import UsageError

BAUD = 115200  # of every line at the start: EQ_LINE_BAUD
LEAST, MOST = 1200, 4_000_000  # baud
EXAMPLES = "serial:///dev/ttyACM0, serial:usb:0483:374B or serial:usb:0483:374B:066AFF55"
_USB = re.compile(r"usb:([0-9A-Fa-f]{4}):([0-9A-Fa-f]{4})(?::(.+))?")
_WINDOWS = re.compile(r"COM[0-9]{1,3}")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?\]|[A-Za-z0-9][A-Za-z0-9._-]*):([0-9]{1,5})")
_OPTIONS = ("baud", "fastest")


@dataclass(frozen=True)
class Address:
    """path: of the port; empty where its USB identity stands for it. usb: the ids of vendor and product, as boards name them; number: the
    serial number, empty: any. baud: at the start. fastest: what the speed may be raised to."""

    path: str
    usb: str = ""
    number: str = ""
    baud: int = BAUD
    fastest: int = MOST


def of_usb(usb: str, number: str = "") -> str:
    """The address of a port by its identity."""
    return f"serial:usb:{usb}" + (f":{quote(number, safe='')}" if number else "")


def parse(rest: str) -> Address:
    """What stands behind `serial:`. UsageError where it names no port."""
    text, mark, query = rest.partition("?")
    speeds = _speeds(rest, query) if mark else (BAUD, MOST)
    place = text[2:] if text.startswith("//") else text
    found = _USB.fullmatch(place)
    if found:
        return Address("", f"{found[1]}:{found[2]}".upper(), unquote(found[3] or ""), *speeds)
    if place.startswith("usb:"):
        raise UsageError(f"{place!r} is no USB identity", "usb:VENDOR:PRODUCT, four hexadecimal digits each, and perhaps a serial number")
    path = unquote(place)
    if path.startswith("/") or _WINDOWS.fullmatch(path):
        return Address(path, "", "", *speeds)
    hint = f"did you mean serial:///{path}?" if path.startswith("dev/") else f"a port is named as in {EXAMPLES}"
    raise UsageError(f"serial:{rest} names no port", hint)


def _speeds(rest: str, query: str) -> tuple[int, int]:
    """baud and fastest."""
    found: dict[str, int] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in _OPTIONS or key in found:
            wrong = f"the option {key!r}" + (" twice" if key in found else "")
            raise UsageError(f"serial:{rest} has {wrong}", f"the options are {' and '.join(_OPTIONS)}, as in ?baud=115200&fastest=460800")
        if not value.isdecimal() or not value.isascii() or not LEAST <= int(value[:9]) <= MOST:
            raise UsageError(f"serial:{rest}: {key} is {value!r}", f"it is a number of baud, {LEAST} to {MOST}")
        found[key] = int(value)
    if not found:
        raise UsageError(f"serial:{rest}: {query!r} is no option", "options are written as in ?baud=115200&fastest=460800")
    baud, fastest = found.get("baud", BAUD), found.get("fastest", MOST)
    if fastest < baud:
        raise UsageError(f"serial:{rest}: fastest is less than baud, {baud}", "fastest=115200 leaves a line as it is at the start")
    return baud, fastest


def parse_socket(rest: str) -> str:
    """`host:port` of what stands behind `socket:`. UsageError where it is none."""
    place = rest[2:] if rest.startswith("//") else rest
    found = _HOST.fullmatch(place)
    if found is None or not 0 < int(found[2]) < 65536:
        raise UsageError(f"socket:{rest} names no host and port", "write it as socket://localhost:5555")
    return place
