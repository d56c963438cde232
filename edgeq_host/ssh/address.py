"""`ssh:[//][user@]host[:port]`, as typed to ssh; an IPv6 address stands in brackets."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgeq_host.errors import UsageError

_USER = re.compile(r"[A-Za-z0-9_.+@\\-]{1,256}")
_HOST = re.compile(r"[A-Za-z0-9_.+-]{1,253}")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9_.-]{1,15})?")
_SHAPE = "[user@]host[:port], an IPv6 address in brackets"


@dataclass(frozen=True)
class Address:
    """user and port: empty and 0 where the address does not say; the user's configuration or ssh's defaults do then."""

    host: str
    user: str = ""
    port: int = 0

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (f"{self.user}@" if self.user else "") + host + (f":{self.port}" if self.port else "")


def redacted(text: str) -> str:
    """Without what stands between a user's name and the @: it may be a password."""
    head, at, place = text.rpartition("@")
    scheme, slashes, rest = head.rpartition("://")
    user, colon, _ = (rest if slashes else head).partition(":")
    return f"{scheme}{slashes}{user}{':...' if colon else ''}@{place}" if at else text


def parse(rest: str) -> Address:
    """UsageError for what ssh or a shell could take for anything but a name: a leading '-', blanks, quotes, odd bytes."""
    text = rest.removeprefix("//").removesuffix("/")
    user, at, place = text.rpartition("@")
    if at and ":" in user:
        hint = "leave it out: ssh asks for it. A key needs none: ssh-copy-id. Change the password: others could see it on the command line"
        raise _refused(rest, "it holds a password", hint)
    host, port = _split(place)
    if at and (not _USER.fullmatch(user) or user[0] == "-" or user[-1] == "\\"):
        raise _refused(
            rest, f"{user[:40]!r} is no user's name", "a user's name is letters, digits and . _ + - @ \\, and does not begin with '-'"
        )
    if ":" in host:
        if not _IPV6.fullmatch(host):
            raise _refused(rest, f"{host[:60]!r} is no IPv6 address", f"an address is {_SHAPE}")
    elif not _HOST.fullmatch(host) or host[0] == "-":
        raise _refused(
            rest,
            f"{host[:60]!r} is no host",
            "a host is letters, digits and . _ + -, and does not begin with '-'; international names as xn--",
        )
    return Address(host, user, port)


def _split(place: str) -> tuple[str, int]:
    """Host and port, 0 where it is not given."""
    if place.startswith("["):
        host, closed, port = place[1:].partition("]")
        if not closed or ":" not in host or (port and not port.startswith(":")):
            raise _refused(place, "the brackets hold no IPv6 address", f"an address is {_SHAPE}")
        port = port[1:] if port else ""
    elif place.count(":") > 1:
        raise _refused(place, "it has several ':'", f"write an IPv6 address in brackets: [{place}]")
    else:
        host, colon, port = place.partition(":")
        if colon and not port:
            raise _refused(place, "the port after ':' is missing", f"an address is {_SHAPE}")
    if port and not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        raise _refused(place, f"{port[:20]!r} is no port", "a port is a number from 1 to 65535")
    return host, int(port or 0)


def _refused(rest: str, text: str, hint: str) -> UsageError:
    return UsageError(f"the address {redacted(rest)[:80]!r}: {text}", hint)
