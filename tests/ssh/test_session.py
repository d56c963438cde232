"""What a user does with a device, over ssh: the public functions, by both clients, on a real sshd."""

from __future__ import annotations

import os

import numpy as np
import pytest

from bench.ssh.server import wait_until
from edgeq_host.deploy import connect, deploy, remove, rollback, status
from edgeq_host.device import MEMORY
from edgeq_host.errors import EdgeqError, LinkError
from edgeq_host.remote import RemoteModel
from edgeq_runtime import native
from tests.agent.conftest import packed, sample
from tests.ssh.conftest import Site, needs
from tests.ssh.models import echo


def test_deploy_status_run_rollback_and_remove_are_the_same_as_on_this_machine(site: Site) -> None:
    server = site.server()
    target = site.target(server)
    first, second = packed(1), packed(2)
    assert deploy(target, site.file("net", first)).changed
    deployed = deploy(target, site.file("net", second))
    assert (deployed.version, deployed.changed, deployed.selftest) == (2, True, "passed")
    assert not deploy(target, site.folder / "net.eqm").changed
    with RemoteModel(target, "net") as model:
        assert model.run(sample()).tobytes() == native.Model(second).run(sample()).tobytes()
    assert rollback(target, "net").version == 1
    found = status(target)
    assert [(m.name, m.current and m.current.version) for m in found.models] == [("net", 1)]
    remove(target, "net")
    assert status(target).models == ()
    assert server.store.is_dir()


def test_the_agent_is_sent_once_and_its_hash_is_compared_every_time(site: Site) -> None:
    server = site.server()
    proxy = site.proxy(server)
    target = site.target(proxy)
    status(target)
    (agent,) = server.agents.iterdir()
    size, first = agent.stat().st_size, proxy.bytes_up
    assert first > size and agent.stat().st_mode & 0o777 == 0o700
    status(target)
    assert proxy.bytes_up - first < size / 5
    agent.write_bytes(agent.read_bytes()[:-1] + b"?")
    before = proxy.bytes_up
    status(target)
    assert proxy.bytes_up - before > size and [p.name for p in server.agents.iterdir()] == [agent.name]


def test_four_megabytes_come_back_as_they_went(site: Site) -> None:
    size = 1 << 20
    x = np.random.default_rng(1).integers(-128, 128, (1, size)).astype(np.float32) / 16
    with RemoteModel(site.target(site.server()), "echo", echo(size)) as model:
        assert np.array_equal(model.run(x), x)


def test_nothing_stays_running_when_the_session_ends(site: Site) -> None:
    server = site.server()
    with connect(site.target(server)) as device:
        device.facts()
        wait_until(lambda: len(server.agents_running()) == 1, "one agent runs")
    wait_until(lambda: not server.agents_running() and not server.children(), "the agent and its session are gone")


def test_nothing_stays_running_when_the_connection_is_cut(site: Site) -> None:
    server = site.server()
    proxy = site.proxy(server)
    device = connect(site.target(proxy))
    wait_until(lambda: len(server.agents_running()) == 1, "one agent runs")
    proxy.cut()
    with pytest.raises(LinkError) as error:
        device.facts()
    assert "lost" in error.value.message or "ended" in error.value.message
    device.link.close()
    wait_until(lambda: not server.agents_running(), "the agent is gone")


NOISE = {
    "text": "echo welcome; echo 'edgeq-0123456789abcdef run'; printf 'no end of line'; echo trouble >&2",
    "much": "head -c 200000 /dev/urandom; yes warning | head -n 2000 >&2",
    "exit code": "echo hello; false",
    "aliases": "alias echo='echo no'; alias cat=false; set -o noclobber; set -f; IFS=:",
}


@pytest.mark.parametrize("noise", NOISE)
def test_what_a_login_script_prints_or_sets_disturbs_nothing(site: Site, noise: str) -> None:
    banner = site.folder / "banner"
    banner.write_text("AUTHORIZED USE ONLY\nConnection refused: not really\n" * 20)
    server = site.server(options=(f"Banner {banner}",))
    (server.home / ".bashrc").write_text(NOISE[noise] + "\n")
    assert status(site.target(server)).models == ()
    assert (server.home / ".bashrc").exists() and server.agents.is_dir()


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox ash", "fish", "csh", "tcsh"])
def test_every_login_shell_starts_the_agent(site: Site, shell: str) -> None:
    needs(shell.split()[0], "dash bash busybox-static fish csh tcsh")
    server = site.server(options=(f'ForceCommand exec {shell} -c "$SSH_ORIGINAL_COMMAND"',))
    assert status(site.target(server)).device.agent.startswith("edgeq-agent")
    assert server.agents.is_dir()


def test_environment_of_the_login_chooses_the_folders(site: Site) -> None:
    folder = site.folder / "a folder with blanks $HOME ' and quotes"
    server = site.server(environment={"XDG_DATA_HOME": str(folder), "EDGEQ_STORE": str(site.folder / "models")})
    deploy(site.target(server), site.file("net", packed(1)))
    assert len(list((folder / "edgeq" / "agents").iterdir())) == 1 and any((site.folder / "models").iterdir())


def test_settings_that_the_agent_does_not_take_are_an_error_of_usage(site: Site) -> None:
    server = site.server(environment={"EDGEQ_ISA": "nonsense"})
    with pytest.raises(EdgeqError) as error:
        status(site.target(server))
    assert "nonsense" in error.value.message and error.value.code == 2


def test_two_newest_agents_of_other_versions_stay(site: Site) -> None:
    server = site.server()
    server.agents.mkdir(parents=True)
    for age, letter in enumerate("abcd"):
        old = server.agents / f"edgeq-agent-{letter * 64}"
        old.write_text("#!/bin/sh\n")
        os.utime(old, (1_700_000_000 - age, 1_700_000_000 - age))
    (server.agents / ".new-999999999").write_text("left by a killed transfer")
    status(site.target(server))
    names = sorted(path.name[12:16] for path in server.agents.iterdir())
    assert len(names) == 3 and {"aaaa", "bbbb"} <= set(names)


def test_a_device_put_holds_its_bytes_in_memory_alone(site: Site) -> None:
    server = site.server()
    with connect(site.target(server)) as device:
        device.put("", packed(1), MEMORY)
        assert device.open("").file_bytes == len(packed(1))
    assert not server.store.exists()
