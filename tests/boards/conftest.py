"""Boards that are emulated, with their own agent."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from edgeq_host import agents
from edgeq_runtime import build
from tests.ssh.conftest import device_folder


@pytest.fixture(scope="session")
def arm_agent() -> Path:
    """The static 64-bit Arm agent, built here."""
    pytest.importorskip("ziglang")
    if not (shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")):
        if os.environ.get("CI"):
            raise AssertionError("qemu-user is not installed")
        pytest.skip("qemu-user is not installed")
    return build.build("agent", build.config_for("agent", None, False, "aarch64"))


@pytest.fixture
def emulated(arm_agent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of agents holds that one; the store is empty."""
    folder = device_folder(tmp_path / "devices", "aarch64", arm_agent)
    (folder / "aarch64" / agents.AGENT).chmod(0o755)
    monkeypatch.setattr(agents, "FOLDER", folder)
    monkeypatch.setenv("EDGEQ_STORE", str(tmp_path / "store"))
    return folder
