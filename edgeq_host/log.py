"""What has happened in the store of a device, as its own log says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from edgeq_host import wire
from edgeq_host.deploy import connect, refusals
from edgeq_host.link import QUIET_S, software_text
from edgeq_host.targets import Target


@dataclass(frozen=True)
class Entry:
    """number counts on over restarts. time: of the device's clock, ISO 8601 UTC, empty where it had none. name: of the model, or of the
    key. event, fault: names of protocol.def, fault empty where there is none; text: both in words. version 0: of no version, or of all.
    sha256: of the file, or of the key. agent: its version."""

    number: int
    time: str
    name: str
    version: int
    event: str
    fault: str
    text: str
    detail: int
    sha256: str
    agent: str


@dataclass(frozen=True)
class Log:
    """schema edgeq.log/1. The oldest entry first."""

    board: str
    entries: tuple[Entry, ...]


def log(target: Target, name: str | None = None, quiet_s: float = QUIET_S) -> Log:
    """What was installed, rolled back, removed or refused, and how the keys changed; of one model or key with `name`. What was removed is
    still in it."""
    with refusals(f"log of {target.name}", name or "", target.name), connect(target, quiet_s) as device:
        entries = tuple(map(_entry, device.log()))
    return Log(target.name, tuple(entry for entry in entries if name in (None, entry.name)))


def _time(milliseconds: int) -> str:
    try:
        return datetime.fromtimestamp(milliseconds // 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if milliseconds else ""
    except (ValueError, OverflowError, OSError):  # a clock that is far out
        return ""


def _entry(reply: wire.Reply) -> Entry:
    event = wire.events().get(reply["event"], wire.Event(reply["event"], f"event_{reply['event']}", f"event {reply['event']}"))
    number = reply["fault"]
    fault = wire.faults().get(number, wire.Fault(number, f"fault_{number}" if number else "", 0, f"fault {number}"))
    return Entry(
        number=reply["number"],
        time=_time(reply["time_ms"]),
        name=reply["name"],
        version=reply["version"],
        event=event.name,
        fault=fault.name,
        text=f"{event.text}: {fault.text}" if number else event.text,
        detail=reply["detail"],
        sha256=reply["sha256"].hex(),
        agent=software_text(reply["software"]),
    )
