"""Jump hosts of the OpenSSH client: each has its own process, whose standard error goes to a file, so that it is known who said what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeq_host.errors import UsageError
from edgeq_host.ssh import address as addresses
from edgeq_host.ssh.address import Address

MOST = 8  # more of them are a circle
Effective = Callable[[Address], Mapping[str, str]]


@dataclass(frozen=True)
class Jump:
    """One of them. config: what `ssh -G` says of it, with the jump hosts before it as its `proxyjump`. log: where its ssh writes."""

    address: Address
    config: Mapping[str, str]
    log: Path

    def errors(self) -> str:
        try:
            return self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""  # not started yet


def chain(config: Mapping[str, str], effective: Effective, folder: Path) -> list[Jump]:
    """The jump hosts to a host whose configuration has `named` some, the nearest first. UsageError where they lead in a circle."""
    found = named(config)
    first = effective(found[0])
    while more := named(first):
        found = more + found
        if len(found) > MOST:
            raise UsageError(f"more than {MOST} jump hosts, one behind the other: {', '.join(map(str, found))}", "mend ProxyJump")
        first = effective(found[0])
    configs = [first, *({**effective(hop), "proxyjump": ",".join(map(str, found[:i]))} for i, hop in enumerate(found) if i)]
    return [Jump(hop, configs[i], folder / str(i)) for i, hop in enumerate(found)]


def named(config: Mapping[str, str]) -> list[Address]:
    """Those of ProxyJump; none where ssh alone can read it: it may hold tokens."""
    value = config.get("proxyjump", "none")
    try:
        return [] if value == "none" else [addresses.parse(part.strip().removeprefix("ssh:")) for part in value.split(",")]
    except UsageError:
        return []
