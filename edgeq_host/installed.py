"""What the store of a device holds, as its answers say it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgeq_host import wire
from edgeq_host.errors import UsageError

_DIGITS = 10  # of a version, at most


@dataclass(frozen=True)
class Version:
    """damaged: what is wrong with its file on the device, else empty. Only the size is looked at."""

    version: int
    bytes: int
    sha256: str
    damaged: str = ""


@dataclass(frozen=True)
class Installed:
    """One model in the store. damaged: what is wrong with its record or a file, else empty. unfinished: bytes of uploads that were cut
    and can go on; where neither version is there, and no damage, they are all that there is."""

    name: str
    current: Version | None
    previous: Version | None
    damaged: str = ""
    unfinished: int = 0
    keep: int = 0  # versions that stay at a deploy; 0: the agent does not say
    counter: int = 0  # the highest of a signed file that was ever installed under the name
    versions: tuple[Version, ...] = ()  # current first, then in the order in which a rollback takes them


@dataclass(frozen=True)
class Switched:
    """Which version is current now; the self-test of `variants` variants has passed on the device."""

    version: int
    sha256: str
    variants: int


def split_version(text: str) -> tuple[str, int]:
    """NAME or NAME@VERSION; version 0 where none is given."""
    name, at, number = text.partition("@")
    if at and not (number.isascii() and number.isdigit() and len(number) <= _DIGITS and 0 < int(number) < 1 << 32):
        raise UsageError(f"{text[:80]}: {number[:40]!r} is no version", "versions are numbers from 1; `edgeq status` lists them")
    return name, int(number or 0)


def _version(reply: wire.Reply, prefix: str = "") -> Version | None:
    number, fault = int(reply[f"{prefix}version"]), wire.faults().get(reply[f"{prefix}file_fault"])
    if not number:
        return None
    known = {"missing": "its file is missing", "corrupt": "its file has another size"}
    damaged = known.get(fault.name, fault.text) if fault else ""
    return Version(number, int(reply[f"{prefix}size"]), reply[f"{prefix}sha256"].hex(), damaged)


def _installed(entry: wire.Reply, retained: list[wire.Reply]) -> Installed:
    fault = wire.faults().get(entry["fault"])
    current, previous = _version(entry), _version(entry, "previous_")
    # An agent before 1.4 sends no versions of their own.
    found = tuple(v for v in (map(_version, retained) if retained else (current, previous)) if v)
    damages = [fault.text] if fault else [f"version {v.version}: {v.damaged}" for v in found if v.damaged]
    unfinished, keep, counter = (int(entry[field]) for field in ("unfinished", "keep", "counter"))
    return Installed(entry["name"], current, previous, "; ".join(damages), unfinished, keep, counter, found)


def parse_installed(replies: Iterable[wire.Reply]) -> list[Installed]:
    """The answers to `list`, by name."""
    models: list[tuple[wire.Reply, list[wire.Reply]]] = []
    for reply in replies:
        if reply.name == "entry":
            models.append((reply, []))
        elif models:
            models[-1][1].append(reply)
    return sorted((_installed(*model) for model in models), key=lambda model: model.name)
