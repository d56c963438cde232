"""Devices that are processes of this machine, each with a store of its own, in the edgeq.toml of an empty project."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq_host import inventory
from tests.agent.conftest import built_agent as built_agent
from tests.agent.conftest import faulty_agent as faulty_agent
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
