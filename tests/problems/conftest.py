"""One device behind a real sshd, and everything that can be wrong with it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.ssh.proxy import Proxy
from bench.ssh.server import USER, Sshd, device_folder
from edgeq_host import agents, inventory
from tests.agent.conftest import built_agent as built_agent
from tests.agent.conftest import faulty_agent as faulty_agent
from tests.agent.conftest import packed
from tests.cli.conftest import Edgeq, Result
from tests.cli.conftest import edgeq as edgeq
from tests.devices.conftest import project as project
from tests.setup.conftest import device_files as device_files
from tests.ssh.conftest import Site
from tests.ssh.conftest import user_key as user_key


class Bench:
    """The device `kitchen`; `file` is a model for it."""

    def __init__(self, site: Site, edgeq: Edgeq, project: Path, faulty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.site, self.edgeq, self.project, self.faulty, self.monkeypatch = site, edgeq, project, faulty, monkeypatch
        self.file = project / "kws.eqm"
        self.file.write_bytes(packed(1))
        self._mounts: list[Path] = []
        self._actions: list[Callable[[], object]] = []

    def device(self, address: str = "", server: Sshd | Proxy | None = None, known: bool = True, **more: Any) -> Sshd | Proxy:
        """Name it; a server is started where none is given."""
        place = server or self.site.server(known=known, **more)
        toml = self.project / "edgeq.toml"
        inventory.add(toml, [inventory.entry("kitchen", address or f"ssh://{USER}@127.0.0.1:{place.port}", "generic_x86_64")])
        return place

    def session(self, script: str, **more: Any) -> Sshd:
        """A device whose every session begins with a script; its last line becomes what ssh asked for."""
        server = self.site.server(**more)
        path = server.folder / "session"
        path.write_text(f'#!/bin/sh\n{script}\nexec sh -c "$SSH_ORIGINAL_COMMAND"\n')
        path.chmod(0o755)
        server.stop()
        server.options = (f"ForceCommand exec {path}",)
        self.device(server=server.start())
        return server

    def mount(self, options: str) -> Path:
        """A small file system; the test is skipped where none may be mounted."""
        place = self.project / f"disk{len(self._mounts)}"
        place.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(place)], capture_output=True)
        if done.returncode:
            pytest.skip("file systems may not be mounted here")
        self._mounts.append(place)
        return place

    def deploy(self, *words: object) -> Result:
        return self.edgeq("deploy", self.file, "-b", "kitchen", *words)

    def plan(self) -> tuple[int, list[int], list[str]]:
        """Exit code of plan, the exit codes that it predicts, and the names of its risks."""
        found = self.edgeq("plan", self.file, "-b", "kitchen", "--json")
        risks = found.json.get("risks", []) if found.code == 0 else []
        return found.code, [risk["code"] for risk in risks if risk["code"]], [risk["what"] for risk in risks]

    def use_faulty_agent(self) -> None:
        """From now on devices get the agent that does what EDGEQ_TEST_FAULT says."""
        folder = device_folder(self.project / "faulty", platform.machine(), self.faulty)
        self.monkeypatch.setattr(agents, "FOLDER", folder)

    def no_agents(self) -> None:
        self.monkeypatch.setattr(agents, "FOLDER", self.project / "none")

    def at_close(self, action: Callable[[], object]) -> None:
        self._actions.append(action)

    def close(self) -> None:
        for action in self._actions:
            action()
        for place in self._mounts:
            subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.fixture
def bench(
    edgeq: Edgeq,
    project: Path,
    user_key: Path,
    device_files: Path,
    faulty_agent: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Bench]:
    for name in ("EDGEQ_SSH", "EDGEQ_STORE", "SSH_AUTH_SOCK", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(project)
    monkeypatch.setattr(agents, "FOLDER", device_files)
    (tmp_path / "site").mkdir()
    site = Site(tmp_path / "site", user_key, "openssh")
    monkeypatch.setenv("EDGEQ_SSH_CONFIG", str(site.config))
    made = Bench(site, edgeq, project, faulty_agent, monkeypatch)
    yield made
    site.close()
    made.close()


def path_with(folder: Path, names: Sequence[str]) -> str:
    """A PATH that has these programs and no other."""
    folder.mkdir()
    for name in names:
        found = os.path.realpath(sys.executable) if name == "python3" else shutil.which(name)  # not a shim that needs others
        assert found is not None, name
        os.symlink(found, folder / name)
    return str(folder)
