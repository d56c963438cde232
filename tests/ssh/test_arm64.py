"""An arm64 Debian with its own sshd, emulated: what a Raspberry Pi 4 and 5 do over ssh, by both clients, byte for byte."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path

import numpy as np
import pytest

from bench.ssh.server import wait_until
from edgeq_host import agents
from edgeq_host.deploy import deploy, rollback, status
from edgeq_host.profile import profile
from edgeq_host.remote import RemoteModel
from edgeq_host.setup import python
from edgeq_runtime import build, native
from tests.agent.conftest import packed, sample
from tests.ssh.arm64 import Arm64Sshd
from tests.ssh.conftest import Site, said_there
from tests.ssh.models import echo

ISAS = {"cortex-a72": ("portable", "neon"), "cortex-a76": ("portable", "neon", "neon_dotprod")}

pytestmark = pytest.mark.slow


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


@pytest.fixture(scope="session")
def arm64_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Agent and library."""
    folder = tmp_path_factory.mktemp("arm64-files")
    (folder / "aarch64").mkdir()
    sums = ""
    for name, target in ((agents.AGENT, "agent"), (agents.LIBRARY, "lib")):
        data = build.build(target, build.config_for(target, None, False, "aarch64")).read_bytes()
        (folder / "aarch64" / name).write_bytes(data)
        sums += f"{hashlib.sha256(data).hexdigest()}  aarch64/{name}\n"
    (folder / agents.SUMS).write_text(sums)
    return folder


def test_an_application_on_an_emulated_pi_imports_the_runtime_with_nothing_but_python3(
    site: Site, root: Path, arm64_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "FOLDER", arm64_files)
    server = site.server(kind=Arm64Sshd, root=root, environment={"QEMU_CPU": "cortex-a76"})
    target = site.target(server)
    done = python.install(target)
    assert done.changed and done.isas == ("neon", "neon_dotprod", "portable") and done.python.startswith("3.11")
    deploy(target, site.file("net", packed(3)))
    code = (
        "import edgeq_runtime, array, struct; y = edgeq_runtime.open('net').run(array.array('f', struct.unpack('64f', bytes.fromhex(%r))))"
    )
    code = code % sample().tobytes().hex() + "; print(memoryview(y).tobytes().hex())"
    said = said_there(target, shlex.join(["python3", "-c", code]))
    assert said.strip() == native.Model(packed(3)).run(sample()).tobytes().hex()
    assert not python.install(target).changed and python.remove(target).changed
