"""Connections that break, stall or crawl: the old or the new version runs, what arrived is not sent again, and nothing stays running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bench.ssh.server import Sshd, wait_until
from edgeq_host.deploy import connect, deploy, status
from edgeq_host.errors import BoardError, DeviceTimeoutError, LinkError
from edgeq_host.stream import ProcessStream
from tests.agent.conftest import packed
from tests.ssh.conftest import Site
from tests.ssh.models import heavy

ROOT = Path(__file__).parents[2]


def versions(site: Site, server: Sshd) -> list[int]:
    return [m.current.version for m in status(site.target(server)).models if m.current]


@pytest.mark.slow
def test_a_deploy_that_is_cut_anywhere_leaves_the_old_version_and_goes_on_the_next_time(site: Site) -> None:
    """Cut after every so many bytes from the client, from the greeting to the last message."""
    server = site.server()
    deploy(site.target(server), site.file("net", packed(1)))
    new = site.file("net", packed(2, 1 << 15))
    probe = site.proxy(server)
    deploy(site.target(probe), site.file("other", packed(3, 1 << 15)))
    total = probe.bytes_up
    cuts = [0, 10, *range(total // 12, total + 1, total // 12), total - 1]
    for cut in cuts:
        proxy = site.proxy(server, cut_after=cut)
        try:
            deploy(site.target(proxy), new, quiet_s=5)
        except LinkError as error:
            assert error.code == 4 and error.hint
        except DeviceTimeoutError as error:
            assert error.code == 9 and error.hint
        assert versions(site, server)[0] in (1, 2)
        wait_until(lambda: not server.agents_running(), "no agent runs")
    assert deploy(site.target(server), new).version == 2


@pytest.mark.slow
def test_an_upload_of_twenty_megabytes_sends_nothing_again_after_a_cut(site: Site) -> None:
    server = site.server()
    file = site.file("heavy", heavy(20))
    size = file.stat().st_size
    status(site.target(server))  # the agent is there
    proxy = site.proxy(server, cut_after=12_000_000)
    with pytest.raises(LinkError):
        deploy(site.target(proxy), file)
    (model,) = status(site.target(server)).models
    assert model.current is None and 12_000_000 - (3 << 20) < model.unfinished < 12_000_000
    proxy = site.proxy(server)
    assert deploy(site.target(proxy), file).selftest == "passed"
    sent = proxy.bytes_up - (size - model.unfinished)
    assert 0 < sent < 0.02 * size, f"{sent} bytes beside those that were missing"


@pytest.mark.slow
def test_a_link_of_twenty_kilobytes_a_second_delivers_a_model(site: Site) -> None:
    server = site.server()
    status(site.target(server))
    proxy = site.proxy(server, bytes_per_s=20_000)
    assert deploy(site.target(proxy), site.file("net", packed(1, 1 << 12))).changed


@pytest.mark.slow
def test_a_slow_link_carries_nothing_twice(site: Site) -> None:
    """Where everything waits behind megabytes, no answer for seconds does not mean that something was lost."""
    server = site.server()
    file = site.file("heavy", heavy(1))
    status(site.target(server))
    proxy = site.proxy(server, bytes_per_s=100_000)
    assert deploy(site.target(proxy), file).changed
    assert proxy.bytes_up < 1.03 * file.stat().st_size


@pytest.mark.slow
def test_what_an_interrupted_upload_has_sent_does_not_keep_the_store_locked_for_long(site: Site) -> None:
    """Megabytes would fit into the buffers between here and there."""
    server = site.server()
    status(site.target(server))
    proxy = site.proxy(server, bytes_per_s=40_000)
    cancel = threading.Event()

    def interrupted() -> None:
        with pytest.raises(LinkError, match="interrupted"):
            deploy(site.target(proxy, cancel=cancel), site.file("net", packed(1, 200_000)))

    upload = threading.Thread(target=interrupted)
    upload.start()
    wait_until(lambda: list(server.store.glob("net/part-*")), "the upload has begun")
    time.sleep(5)
    cancel.set()
    upload.join()
    end = time.monotonic() + 12
    while subprocess.run(["flock", "-n", server.store / ".lock", "true"]).returncode:
        assert time.monotonic() < end, "the store is still locked"
        time.sleep(0.1)


@pytest.mark.slow
def test_a_slow_link_delivers_the_agent_itself(site: Site) -> None:
    proxy = site.proxy(site.server(), bytes_per_s=60_000, delay_s=0.1)
    assert status(site.target(proxy)).models == ()


def test_a_transfer_of_the_agent_that_is_cut_leaves_nothing_half_done(site: Site) -> None:
    server = site.server()
    proxy = site.proxy(server, cut_after=150_000)
    with pytest.raises(LinkError):
        status(site.target(proxy))
    wait_until(lambda: list(server.agents.iterdir()) == [], "the part that arrived is gone")
    status(site.target(server))


def test_an_agent_that_is_killed_is_an_error_and_the_next_session_works(site: Site) -> None:
    server = site.server()
    deploy(site.target(server), site.file("net", packed(1)))
    with connect(site.target(server)) as device:
        device.facts()
        (agent,) = server.agents_running()
        os.kill(agent, signal.SIGKILL)
        with pytest.raises(LinkError) as error:
            device.facts()
    assert "agent" in error.value.message and error.value.code == 4
    assert versions(site, server) == [1]


@pytest.mark.parametrize("client", ["openssh"])  # paramiko is no process of its own
def test_a_local_client_that_is_killed_is_not_taken_for_the_agent(site: Site) -> None:
    server = site.server()
    with connect(site.target(server)) as device:
        device.facts()
        client = device.link.transport
        assert isinstance(client, ProcessStream)
        os.kill(client.pid, signal.SIGKILL)
        with pytest.raises(LinkError) as error:
            device.facts()
    assert "ssh on this machine was ended by signal 9" in error.value.message and "agent" not in error.value.message
    wait_until(lambda: not server.agents_running(), "the agent is gone")


def test_a_server_that_is_killed_is_an_error(site: Site) -> None:
    server = site.server()
    with connect(site.target(server)) as device:
        server.kill_sessions()
        with pytest.raises(LinkError) as error:
            device.facts()
    assert error.value.code == 4
    wait_until(lambda: not server.agents_running(), "the agent is gone")


@pytest.mark.slow
def test_a_session_that_stands_still_is_silence(site: Site) -> None:
    server = site.server()
    with pytest.raises(LinkError) as error, connect(site.target(server), quiet_s=1.0) as device:
        server.kill_sessions(signal.SIGSTOP)
        device.facts()
    server.kill_sessions(signal.SIGCONT)
    assert "silent" in error.value.message and error.value.code == 4


@pytest.mark.slow
def test_a_frozen_network_is_silence_and_is_over_when_it_thaws(site: Site) -> None:
    server = site.server()
    proxy = site.proxy(server)
    with connect(site.target(proxy), quiet_s=5.0) as device:
        proxy.frozen = True
        threading.Timer(1.0, lambda: setattr(proxy, "frozen", False)).start()
        assert device.facts().agent


def test_a_half_closed_connection_ends_the_session(site: Site) -> None:
    server = site.server()
    proxy = site.proxy(server)
    with pytest.raises(LinkError), connect(site.target(proxy), quiet_s=3.0) as device:
        proxy.half_close()
        device.facts()
    wait_until(lambda: not server.agents_running(), "the agent is gone")


HOLD = """
import sys, time
from pathlib import Path
from edgeq_host import agents
from edgeq_host.deploy import connect
from edgeq_host.targets import Target
from edgeq_host.transports import Options
agents.FOLDER = Path(sys.argv[1])
with connect(Target("device", sys.argv[2], None, Options(ssh=sys.argv[3]))) as device:
    device.facts()
    try:
        print("ready", flush=True)
        while True:
            time.sleep(0.05)
            device.facts()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        print(device.facts().agent, flush=True)
"""


def hold(site: Site, server: Sshd, agents: Path) -> subprocess.Popen[str]:
    target = site.target(server)
    command = [sys.executable, "-c", HOLD, str(agents), target.address, site.client]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def test_a_client_that_is_killed_leaves_no_agent(site: Site, local_agents: Path) -> None:
    server = site.server()
    process = hold(site, server, local_agents)
    assert len(server.agents_running()) == 1
    process.kill()
    process.communicate()
    wait_until(lambda: not server.agents_running() and not server.children(), "the agent and its session are gone")


def test_ctrl_c_reaches_the_host_alone_which_can_still_talk_to_the_device(site: Site, local_agents: Path) -> None:
    """SIGINT to every process of the group, as a terminal does it."""
    server = site.server()
    process = hold(site, server, local_agents)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert out.splitlines()[0] == "interrupted" and out.splitlines()[1].startswith("edgeq-agent")
    wait_until(lambda: not server.agents_running(), "the agent is gone")


def test_two_deploys_at_once_end_with_a_sound_version(site: Site) -> None:
    server = site.server()
    target = site.target(server)
    done: list[int] = []
    refused: list[BoardError] = []

    def one(seed: int) -> None:
        try:
            done.append(deploy(target, site.file(f"net{seed}", packed(seed)), name="net").version)
        except BoardError as error:
            refused.append(error)

    threads = [threading.Thread(target=one, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) in ([1], [1, 2]) and len(done) + len(refused) == 2
    assert all("another program is changing the store" in error.message for error in refused)
    (model,) = status(target).models
    assert model.current and model.current.version == max(done) and not model.damaged
