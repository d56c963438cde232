"""An arm64 Debian with its own sshd, emulated: what a Raspberry Pi 4 and 5 do over ssh, by both clients, byte for byte."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from bench.ssh.server import Arm64Sshd, device_folder, wait_until
from edgeq_host import agents
from edgeq_host.deploy import deploy, rollback, status
from edgeq_host.profile import profile
from edgeq_host.remote import RemoteModel
from edgeq_runtime import build, native
from tests.agent.conftest import packed, sample
from tests.ssh.conftest import Site, needs
from tests.ssh.models import echo

ROOT = Path(__file__).parents[2]
ISAS = {"cortex-a72": ("portable", "neon"), "cortex-a76": ("portable", "neon", "neon_dotprod")}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def root() -> Path:
    """Made once and kept in build/."""
    for name, package in (("mmdebstrap", "mmdebstrap"), ("proot", "proot"), ("qemu-aarch64-static", "qemu-user-static")):
        needs(name, package)
    if os.getuid() != 0:
        pytest.skip("making the root file system needs root")
    folder = build.BUILD / "rootfs-arm64"
    folder.parent.mkdir(exist_ok=True)
    with open(folder.with_suffix(".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([ROOT / "tools" / "rootfs.sh", folder], check=True)
    return folder


@pytest.fixture(scope="session")
def arm64_agents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    agent = build.build("agent", build.config_for("agent", None, False, "aarch64"))
    return device_folder(tmp_path_factory.mktemp("arm64"), "aarch64", agent)


@pytest.mark.parametrize("cpu", ISAS)
def test_an_emulated_pi_is_deployed_to_runs_and_rolls_back_over_ssh(
    site: Site, root: Path, arm64_agents: Path, cpu: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "FOLDER", arm64_agents)
    server = site.server(kind=Arm64Sshd, root=root, environment={"QEMU_CPU": cpu})
    target = site.target(server)
    first, second = packed(1), packed(2)
    assert deploy(target, site.file("net", first)).changed and deploy(target, site.file("net", second)).version == 2
    found = status(target)
    assert found.device.isa_names == ISAS[cpu] and found.device.machine.startswith("aarch64")
    with RemoteModel(target, "net") as model:
        assert model.run(sample()).tobytes() == native.Model(second).run(sample()).tobytes()
    assert profile(target, "net", runs=3, warmup=1).runs == 3
    assert rollback(target, "net").version == 1
    size = 1 << 19
    x = np.random.default_rng(1).integers(-128, 128, (1, size)).astype(np.float32) / 16
    with RemoteModel(target, "echo", echo(size)) as model:
        assert np.array_equal(model.run(x), x)
    wait_until(lambda: not server.agents_running(), "no agent runs")
