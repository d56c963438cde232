"""This machine as a device: its shell starts the Python of the system, in a home of its own."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgeq_host import agents
from edgeq_host.targets import Target
from edgeq_runtime import build


def system_python() -> str:
    """Not that of a venv: it has no folder of the user."""
    return os.path.realpath(sys.executable)


@dataclass(frozen=True)
class Device:
    target: Target
    home: Path
    python: str

    @property
    def packages(self) -> Path:
        return self.home / ".local/lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"


@pytest.fixture(scope="session")
def device_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Agent and library of this machine, where a wheel has those of devices."""
    folder, arch = tmp_path_factory.mktemp("devices"), platform.machine()
    (folder / arch).mkdir()
    sums = ""
    for name, target in ((agents.AGENT, "agent"), (agents.LIBRARY, "lib")):
        data = build.build(target, build.config_for(target, None, False)).read_bytes()
        (folder / arch / name).write_bytes(data)
        sums += f"{hashlib.sha256(data).hexdigest()}  {arch}/{name}\n"
    (folder / agents.SUMS).write_text(sums)
    return folder


@pytest.fixture
def device(device_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Device:
    for name in [name for name in os.environ if name.startswith(("PYTHON", "XDG_", "EDGEQ_"))]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(agents, "FOLDER", device_files)
    return Device(Target("bench", "pipe:true"), home, system_python())
