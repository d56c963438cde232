"""Lines of commands that a hint offers: ready to run as they stand."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator, Mapping

from edgeq_host import addresses, inventory
from edgeq_host.errors import UsageError
from edgeq_host.inventory import Entry
from edgeq_host.ssh import address as ssh_addresses

_ODD = re.compile(r"[^A-Za-z0-9._-]+")
_MAX = 50  # characters of a name that is made


def ssh_hosts() -> list[str]:
    """The hosts that the user's ssh configuration names, without patterns; none where it cannot be read."""
    from edgeq_host.ssh import config

    return [host for host in config.names() if not set(host) & set("*?!") and host.isprintable()]


def to_add(entries: Mapping[str, Entry], options: str = "", only: str = "") -> list[str]:
    """`edgeq devices add` for each host of the ssh configuration that is no device yet, or for the host `only`."""
    have = {host for entry in entries.values() for host in _hosts(entry)}
    taken = {*entries, *inventory.kind_words()}
    found: list[str] = []
    for host in ssh_hosts():
        address = "" if host in have or only not in ("", host) else of_host(host)
        if address:
            name = next(name for name in _names(host) if name not in taken)
            taken.add(name)
            found.append(f"edgeq devices add {name} {shlex.quote(address)}{options}")
    return found


def of_host(host: str) -> str:
    """Its address; empty where ssh takes no such host."""
    text = f"ssh://[{host}]" if host.count(":") > 1 else f"ssh://{host}"
    try:
        return addresses.canonical(text)
    except UsageError:
        return ""


def _hosts(entry: Entry) -> Iterator[str]:
    scheme, _, rest = entry.address.partition(":")
    if scheme == "ssh":
        yield ssh_addresses.parse(rest).host


def _names(host: str) -> Iterator[str]:
    """Names that a device may have, like that of the host; the first that is free will do."""
    plain = _ODD.sub("-", host).strip("-._")[:_MAX] or "device"
    yield from (plain, f"my-{plain}")
    yield from (f"{plain}-{number}" for number in itertools.count(2))
