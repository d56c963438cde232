"""The report of `edgeq boards verify`: TOML that says what a device is and what worked, and nothing of whose it is or where."""

from __future__ import annotations

import getpass
import platform
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import tomli_w

from edgeq_host import __version__
from edgeq_host.probe import Probe
from edgeq_host.verify import Verification

_HEAD = """# What `edgeq boards verify` found on a device. There is no name, address, user or serial number in it; look it through
# before you give it away all the same. With every check passed, [evidence] can take the place of that in the board's file. An
# emulator that gives itself out as the board cannot be told from it: who sends this in says what it ran on.

"""
_WORDS = re.compile(r"[^\s@:/,;\[\]()]+")
_COMMON = {"local", "localhost", "root", "home", "agent", "pipe", "ssh", "tcp", "serial", "board", "edgeq"}
_ADDRESSES = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|(?<![\w:])(?:[0-9a-fA-F]{1,4}:){4,7}[0-9a-fA-F]{1,4}(?![\w:])")


def _private(found: Verification) -> set[str]:
    """What the report must not hold: names of the device, its user, its places, and of this machine and its user."""
    device, target = found.probe, found.target
    places = [place.path for place in (device.store, device.agent) if place is not None]
    whole = {target.name, target.address, device.home, str(Path.home()), platform.node(), *places}
    user = {device.user, _own_user()}
    parts = {word for text in (target.name, target.address.partition("{")[0]) for word in _WORDS.findall(text)}
    return {text for text in whole | user | parts if len(text) > 1 and text.lower() not in _COMMON and text != found.board}


def _own_user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def redact(text: str, private: Iterable[str]) -> str:
    """Each of them, as a word of its own, becomes "...", and so does every address of a network."""
    for part in sorted(private, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", "...", text)
    return _ADDRESSES.sub("...", text)


def _device(p: Probe) -> dict[str, Any]:
    rows = {
        "model": p.model,
        "compatible": list(p.compatible),
        "machine": p.machine,
        "kernel": p.kernel,
        "processor": p.cpu,
        "hwcap": " ".join(p.hwcap),
        "isas": list(p.isas),
        "cores": [{"count": c.count, "name": c.name, "max_hz": c.max_hz, "governor": c.governor} for c in p.cores],
        "memory_bytes": p.memory_bytes,
        "store_type": p.store.type if p.store else "",
        "system": p.os,
        "l4t": p.l4t,
        "userland_bits": p.bits,
        "libc": f"{p.libc} {p.libc_version}".strip(),
        "python": p.python,
        "power": [{"kind": s.kind, "rails": list(s.rails)} for s in p.sensors],
        "power_mode": next((mode.name for mode in p.power_modes if mode.id == p.power_mode), ""),
        "thermal_zones": [zone.type for zone in p.zones],
        "throttled": list(p.throttled or ()),
    }
    return {key: value for key, value in rows.items() if value}


def _cleaned(value: Any, private: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: _cleaned(item, private) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item, private) for item in value]
    return redact(value, private) if isinstance(value, str) else value


def table(found: Verification) -> dict[str, Any]:
    """The report as it is written, without what is private."""
    kind = "emulated" if found.source == "emulated" or found.doubt else "silicon"
    how = f"edgeq boards verify: {', '.join(check.name for check in found.checks if check.state == 'passed')}"
    how += f"; {found.doubt}" if found.doubt else ""
    rows = {
        "schema": "edgeq.boards-verify/1",
        "edgeq": __version__,
        "date": date.today().isoformat(),
        "board": found.board,
        "source": found.source,
        **({"doubt": found.doubt} if found.doubt else {}),
        "passed": found.passed,
        "differs": list(found.differs),
        "device": _device(found.probe),
        "checks": [{"name": check.name, "state": check.state, "text": check.text} for check in found.checks],
        "evidence": {"kind": kind, "date": date.today().isoformat(), "version": __version__, "how": how},
    }
    cleaned: dict[str, Any] = _cleaned(rows, _private(found))
    if not found.passed:
        del cleaned["evidence"]
    return cleaned


def text(found: Verification) -> str:
    return _HEAD + tomli_w.dumps(table(found))
