"""A whole emulated Raspberry Pi 4 and 5, kernel and disk with them: what is asked of a real one, and its power cut."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgeq_host import agents
from edgeq_host.deploy import Deployed, deploy, rollback, status
from edgeq_host.errors import DeviceTimeoutError, EdgeqError, LinkError
from edgeq_host.graph import Array
from edgeq_host.profile import profile
from edgeq_host.remote import RemoteModel
from edgeq_host.targets import Target
from edgeq_host.verify import MEMORY_BYTES
from edgeq_runtime import native
from tests.agent.conftest import packed, sample
from tests.agent.test_memory import beside
from tests.cli.conftest import Edgeq
from tests.cli.conftest import edgeq as edgeq
from tests.ssh.conftest import Site, said_there
from tests.ssh.full_system import CORES, DISK_MB, MEMORY_MB, FullSystemSshd
from tests.ssh.models import heavy
from tests.ssh.test_arm64 import ISAS

pytestmark = pytest.mark.exhaustive

QUIET_S = 60.0  # with which an emulator on a busy machine is not taken for dead
CUTS_S = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)  # after an upload; the switch has ended by then
ROW = np.linspace(-3, 3, 1000, dtype=np.float32).reshape(1, 1000)  # for heavy()
AGENTS = "for p in /proc/[0-9]*; do case $(readlink $p/exe) in */edgeq-agent-*) cat $p/smaps_rollup;; esac; done"


@pytest.fixture(params=ISAS)
def pi(
    request: pytest.FixtureRequest, site: Site, full_system: Path, arm64_agents: Path, monkeypatch: pytest.MonkeyPatch
) -> FullSystemSshd:
    monkeypatch.setattr(agents, "FOLDER", arm64_agents)
    server = site.server(kind=FullSystemSshd, system=full_system, cpu=request.param)
    assert isinstance(server, FullSystemSshd)
    return server


def runs(target: Target, data: bytes, x: Array | None = None) -> bool:
    """Whether the installed model computes what a file computes here."""
    x = sample() if x is None else x
    with RemoteModel(target, "net", quiet_s=QUIET_S) as model:
        return bool(model.run(x).tobytes() == native.Model(data).run(x).tobytes())


def test_a_whole_emulated_pi_deploys_runs_profiles_and_rolls_back(site: Site, pi: FullSystemSshd) -> None:
    target = site.target(pi)
    first, second = packed(1), packed(2)
    assert deploy(target, site.file("net", first)).changed and deploy(target, site.file("net", second)).version == 2
    assert runs(target, second)
    found = status(target)
    assert found.device.isa_names == ISAS[pi.cpu] and found.device.machine.startswith("aarch64")
    assert profile(target, "net", runs=3, warmup=1).runs == 3
    assert rollback(target, "net").version == 1 and runs(target, first)
    assert not said_there(target, AGENTS), "no agent runs"


def test_a_whole_emulated_pi_says_what_it_is(site: Site, pi: FullSystemSshd, edgeq: Edgeq) -> None:
    found = edgeq("devices", "probe", site.target(pi).address, "--ssh", site.client, "--json").json
    assert found["board"] == "generic_arm64" and found["model"] == "linux,dummy-virt" and found["machine"] == "aarch64"
    assert [(kind["count"], kind["name"]) for kind in found["cores"]] == [(CORES, pi.cpu.title())]
    assert tuple(found["isas"]) == ISAS[pi.cpu] and ("asimddp" in found["hwcap"]) == (pi.cpu == "cortex-a76")
    assert 0.9 * MEMORY_MB < found["memory_bytes"] / 2**20 < MEMORY_MB and 0 < found["memory_free"] < found["memory_bytes"]
    assert found["kernel"].startswith("Linux 6.1.") and found["os"].startswith("Debian GNU/Linux 12") and found["libc"] == "glibc"
    assert (found["bits"], found["python"], found["python_bits"]) == (64, "3.11", 64)
    assert (found["user"], found["home"], found["home_writable"]) == ("root", str(pi.home), True)
    store = found["store"]
    assert (store["path"], store["type"], store["writable"]) == (str(pi.store), "ext4", True)
    assert 0.8 * DISK_MB < store["total_bytes"] / 2**20 < DISK_MB
    assert abs(found["clock_skew_s"]) < 60


def test_the_agent_of_a_whole_emulated_pi_takes_less_than_2_mb_beside_model_and_arena(
    site: Site, pi: FullSystemSshd, record_property: Callable[[str, object], None]
) -> None:
    """As /proc/PID/smaps_rollup of the device says it: with small and large arrays, and with more sent than the window of an upload."""
    target = site.target(pi)
    for what, data, x in [("64 inputs", packed(1), sample()), ("50000 inputs", packed(1, 50_000), sample(50_000)), ("4 MB", heavy(4), ROW)]:
        with RemoteModel(target, "net", data, quiet_s=QUIET_S) as model:
            model.run(x)
            taken = beside(model, said_there(target, AGENTS))
        assert 100_000 < taken < MEMORY_BYTES
        record_property("memory of the agent", f"{pi.cpu}, full system, {site.client}, {what}: {taken} bytes beside model and arena")


def deploy_and_cut(site: Site, pi: FullSystemSshd, file: Path, share: float, after_s: float = 0.0) -> Deployed | EdgeqError:
    """Deploy a file as `net`, cut the power so long after that share of it has been sent, and boot again; what the deploy said."""
    cut = threading.Timer(after_s, pi.cut_power)

    def progress(sent: int, total: int) -> None:
        if sent >= share * total and not cut.ident:
            cut.start()

    outcome: Deployed | EdgeqError
    try:
        outcome = deploy(site.target(pi), file, name="net", quiet_s=10, progress=progress)
    except EdgeqError as error:
        if not cut.ident:
            raise
        outcome = error
    cut.join()
    pi.start()
    return outcome


def version(target: Target) -> int:
    """The one that runs; nothing of the device is damaged."""
    (model,) = status(target).models
    assert model.current is not None and not model.damaged
    return model.current.version


def test_power_that_is_cut_in_an_upload_leaves_the_old_version_and_the_next_deploy_repairs(site: Site, pi: FullSystemSshd) -> None:
    target = site.target(pi)
    old, file = packed(1), site.file("heavy", heavy(4))
    deploy(target, site.file("net", old))
    for share in (0.1, 0.5, 0.9):
        outcome = deploy_and_cut(site, pi, file, share)
        assert isinstance(outcome, LinkError) and outcome.code == 4 and outcome.hint
        assert version(target) == 1 and runs(target, old)
    assert deploy(target, file, name="net").version == 2 and runs(target, file.read_bytes(), ROW)
    assert rollback(target, "net").version == 1 and runs(target, old)


def test_power_that_is_cut_while_a_device_switches_leaves_the_old_or_the_new_version(
    site: Site, pi: FullSystemSshd, record_property: Callable[[str, object], None]
) -> None:
    """And the new one where the deploy had said so: what it promises is on the disk."""
    target = site.target(pi)
    models = [packed(1)]
    deploy(target, site.file("net", models[0]))
    ends = []
    for after_s in CUTS_S:
        was = version(target)
        new = packed(2 + len(ends))
        outcome = deploy_and_cut(site, pi, site.file("new", new), 1.0, after_s)
        found = version(target)
        assert isinstance(outcome, Deployed | LinkError | DeviceTimeoutError), outcome
        assert found == was + 1 if isinstance(outcome, Deployed) else found in (was, was + 1)
        models = models if found == was else [new]
        assert runs(target, models[0])
        ends.append("old" if found == was else "new" if isinstance(outcome, Deployed) else "new, not said")
    record_property("states tried", f"power cuts of {pi.cpu} ({site.client}) from 0 to {CUTS_S[-1]} s after an upload: {', '.join(ends)}")
    assert deploy(target, site.file("last", packed(99)), name="net").changed and runs(target, packed(99))
