"""The Python package edgeq_runtime on a device, so that an application there imports it with nothing but python3."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from edgeq_host import agents
from edgeq_host.errors import BoardError
from edgeq_host.setup.payload import Payload, collect
from edgeq_host.setup.session import PythonSession
from edgeq_host.targets import Target
from edgeq_host.units import quantity

OLDEST_GLIBC = (2, 17)
ROOM = 2  # times the files: while a new version takes the old one's place both are there


@dataclass(frozen=True)
class PythonSetup:
    """schema edgeq.setup-python/1. changed: False where these very files were there. path: of the package on the device."""

    board: str
    changed: bool
    version: str
    python: str
    path: str
    isas: tuple[str, ...]


@dataclass(frozen=True)
class PythonRemoved:
    """schema edgeq.setup-python/1."""

    board: str
    changed: bool


def install(target: Target, interpreter: str = "python3") -> PythonSetup:
    """BoardError where the device cannot take it: nothing is changed there then. The import is tried there; where it fails, what was
    there before is back."""
    with PythonSession(target, interpreter) as session:
        facts = session.order("look")
        payload = collect(_checked(target.name, facts))
        if facts["free"] < ROOM * len(payload.data):
            text = f"{quantity(ROOM * len(payload.data), 'B')} are needed, {quantity(facts['free'], 'B')} are free in {facts['folder']}"
            raise BoardError(f"{target.name}: {text}", "free space there")
        done = _install(session, facts, payload)
    return PythonSetup(target.name, done["changed"], done["version"], facts["python"], done["path"], tuple(done["isas"]))


def _install(session: PythonSession, facts: dict[str, Any], payload: Payload) -> dict[str, Any]:
    there = facts["installed"] == f".edgeq_runtime-{payload.id}"
    return session.order("install", b"" if there else payload.data, id=payload.id, files=[] if there else payload.files)


def remove(target: Target, interpreter: str = "python3") -> PythonRemoved:
    with PythonSession(target, interpreter) as session:
        return PythonRemoved(target.name, session.order("remove")["changed"])


def _checked(name: str, facts: dict[str, Any]) -> str:
    """The architecture of the library that this Python can load."""
    bits, libc = facts["bits"], facts["libc"]
    version = re.fullmatch(r"glibc (\d+)\.(\d+).*", libc)
    if version is None or (int(version[1]), int(version[2])) < OLDEST_GLIBC:
        text = f"{name}: its C library is {libc or 'not glibc'}, glibc {'.'.join(map(str, OLDEST_GLIBC))} or newer is needed for Python"
        raise BoardError(text, "deploy and run work without it: the agent needs no C library")
    if not facts["used"]:
        raise BoardError(f"{name}: its Python does not look into {facts['folder']}", "name another, or that of a venv, with --interpreter")
    if facts["foreign"]:
        text = f"{name}: {facts['folder']}/edgeq_runtime was installed by somebody else"
        raise BoardError(text, "python3 -m pip uninstall edgeq-runtime there, then repeat")
    arch = agents.arch_of(facts["machine"])
    if arch == "aarch64" and bits == 32:
        return "armv7"  # a 64-bit kernel under a 32-bit system
    if (arch == "armv7") != (bits == 32):
        raise BoardError(f"{name}: a {bits}-bit Python on {facts['machine']}", "edgeq has libraries for 64-bit x86 and Arm and 32-bit Arm")
    return arch
