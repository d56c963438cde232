"""Devices that are processes of this machine, each with a store of its own, in the edgeq.toml of an empty project."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from edgeq_host import inventory
from tests.agent.conftest import built_agent as built_agent
from tests.agent.conftest import faulty_agent as faulty_agent
from tests.agent.conftest import packed
from tests.cli.conftest import Result
from tests.cli.conftest import edgeq as edgeq
from tests.devices.conftest import project as project


class Fleet:
    def __init__(self, agent: Path, folder: Path) -> None:
        self.agent, self.folder, self.toml = agent, folder, folder / "edgeq.toml"
        (folder / "devices").mkdir()

    def store(self, name: str) -> Path:
        return self.folder / "devices" / name

    def add(self, name: str, agent: str = "", tags: tuple[str, ...] = ()) -> None:
        address = f"pipe:{agent or self.agent} --root {self.store(name)}"
        inventory.add(self.toml, [inventory.entry(name, address, "generic_x86_64", "", tags)])

    def mend(self, name: str) -> None:
        """From now on it is a device like the others."""
        inventory.remove(self.toml, name)
        self.add(name)


@pytest.fixture
def fleet(built_agent: Path, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    return Fleet(built_agent, tmp_path)


def lines(result: Result) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The JSON line of each device by its name, and the last one."""
    *devices, last = map(json.loads, result.out.splitlines())
    assert last["schema"] == "edgeq.fleet/1" and last["code"] == result.code
    return {line["board"]: line for line in devices}, last


@pytest.fixture
def model(fleet: Fleet) -> Path:
    path = fleet.folder / "kws.eqm"
    path.write_bytes(packed(1))
    return path


def installed(fleet: Fleet, name: str) -> str:
    """What edgeq-agent on the device says of its models."""
    done = subprocess.run([fleet.agent, "--root", str(fleet.store(name)), "status"], capture_output=True, text=True)
    return done.stdout
