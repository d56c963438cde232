"""The agents and libraries that edgeq carries for devices: which file a machine takes, verified against its recorded SHA-256.

They lie in the package edgeq_agents of an installed wheel, or in build/devices of a clone, where `make agents` puts them:
`<arch>/edgeq-agent`, `<arch>/libedgeq.so` and, above them, SHA256SUMS (what sha256sum writes).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from edgeq_host.errors import BoardError, UsageError

AGENT = "edgeq-agent"
LIBRARY = "libedgeq.so"
SUMS = "SHA256SUMS"
# What `uname -m` and package managers call a machine, lower case, and the architecture of the files that it runs. The only such table.
MACHINES = {
    "x86_64": "x86_64",
    "amd64": "x86_64",
    "x64": "x86_64",
    "aarch64": "aarch64",
    "arm64": "aarch64",
    "armv7": "armv7",
    "armv7l": "armv7",
    "armhf": "armv7",
    "armv8l": "armv7",  # a 64-bit core whose kernel shows 32-bit programs a 32-bit machine
}
ARCHES = tuple(dict.fromkeys(MACHINES.values()))
_BESIDE = Path(__file__).resolve().parents[1]
_PACKAGED = _BESIDE / "edgeq_agents"
FOLDER = _PACKAGED if _PACKAGED.is_dir() else _BESIDE / "build" / "devices"
_SUM = re.compile(r"([0-9a-f]{64}) [ *](\S+)")


@dataclass(frozen=True)
class AgentFile:
    """A file for devices of one architecture, as it lay there when it was verified. size: bytes; sha256: lower-case hex digits."""

    arch: str
    path: Path
    sha256: str
    size: int


def arch_of(machine: str) -> str:
    """The architecture of a machine's name, one of ARCHES. BoardError for a machine that edgeq has no files for."""
    found = MACHINES.get(machine.strip().lower())
    if found is None:
        raise BoardError(
            f"the device is a machine {machine[:40]!r}, and edgeq has agents for {', '.join(ARCHES)}",
            "64-bit Arm, 32-bit Arm from ARMv7 on with hard float, and x86-64 run edgeq on Linux",
        )
    return found


def find(machine: str) -> AgentFile:
    """The static agent for what `uname -m` says. BoardError: unknown machine; UsageError: not built, or not what was recorded."""
    return _verified(arch_of(machine), AGENT)


def find_library(machine: str) -> AgentFile:
    """libedgeq.so (glibc 2.17) for a machine; errors as those of `find`.

    A 64-bit kernel may run a 32-bit system: ask for what the device's own Python says, not for the kernel's `uname -m`.
    """
    return _verified(arch_of(machine), LIBRARY)


def _remedy() -> str:
    return "install edgeq again: pip install --force-reinstall edgeq" if FOLDER == _PACKAGED else "build it with: make agents"


def _recorded() -> dict[str, str]:
    """SHA-256 by the file's name relative to FOLDER."""
    path = FOLDER / SUMS
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the files for devices are not there: {path} cannot be read: {error}", _remedy()) from error
    matches = [_SUM.fullmatch(line) for line in lines]
    return {match[2]: match[1] for match in matches if match}


def _verified(arch: str, name: str) -> AgentFile:
    path = FOLDER / arch / name
    wanted = _recorded().get(f"{arch}/{name}")
    if wanted is None:
        raise UsageError(f"{FOLDER / SUMS} does not list {arch}/{name}", _remedy())
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}", _remedy()) from error
    found = hashlib.sha256(data).hexdigest()
    if found != wanted:
        raise UsageError(f"{path} ({len(data)} bytes) is damaged: its SHA-256 is {found}, {SUMS} says {wanted}", _remedy())
    return AgentFile(arch, path, found, len(data))
