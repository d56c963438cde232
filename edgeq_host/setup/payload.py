"""The files of the runtime that a device gets: what is in the wheel edgeq-runtime, less what only a host uses."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import edgeq_runtime
from edgeq_host import agents

MODULES = ("__init__.py", "abi.py", "agent.py", "buffers.py", "native.py", "store.py", "threads.py")
HEADERS = ("csrc/eq.h", "csrc/eq_has.h", "csrc/eq_hash.h", "csrc/posix/eq_threads.h", "csrc/agent/eq_store.h", "csrc/agent/eq_message.h")
LISTS = ("csrc/isa.def", "csrc/qtypes.def", "csrc/agent/protocol.def")  # which headers include
PROGRAM, DATA = 0o755, 0o644


@dataclass(frozen=True)
class Payload:
    """files: path below the package's folder, size, mode, SHA-256, in the order of their bytes. id: the same for the same files."""

    version: str
    id: str
    files: tuple[tuple[str, int, int, str], ...]
    data: bytes


def collect(arch: str) -> Payload:
    """For an architecture of agents.ARCHES. UsageError where its library is not built."""
    package = Path(edgeq_runtime.__file__).parent
    parts = [(name, DATA, (package / name).read_bytes()) for name in (*MODULES, *HEADERS, *LISTS, "LICENSE")]
    for name, found in (("lib/libedgeq.so", agents.find_library(arch)), ("lib/edgeq-agent", agents.find(arch))):
        parts.append((name, PROGRAM, found.path.read_bytes()))
    version = edgeq_runtime.__version__
    files = tuple((name, len(data), mode, hashlib.sha256(data).hexdigest()) for name, mode, data in parts)
    digest = hashlib.sha256(repr(files).encode()).hexdigest()[:16]
    return Payload(version, f"{version}-{arch}-{digest}", files, b"".join(data for _, _, data in parts))
