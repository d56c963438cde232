"""A client that dies while the device tests a version, over a real sshd: what the host then says of the device stays true."""

from __future__ import annotations

import os
import platform
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bench.ssh.proxy import Proxy
from bench.ssh.server import Sshd, descendants, device_folder, programs, wait_until
from edgeq_host import agents
from edgeq_host.deploy import deploy, rollback, status
from edgeq_host.errors import LinkError
from tests.agent.conftest import built_agent, faulty_agent, packed
from tests.ssh.conftest import Site

__all__ = ["built_agent", "faulty_agent"]

pytestmark = pytest.mark.slow


@pytest.fixture
def server(site: Site, faulty_agent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sshd:
    """Of a device whose self-tests take 3 s, with versions 1 and 2."""
    monkeypatch.setattr(agents, "FOLDER", device_folder(tmp_path / "faulty", platform.machine(), faulty_agent))
    server = site.server(environment={"EDGEQ_TEST_FAULT": "late"})
    for seed in (1, 2):
        deploy(site.target(server), site.file(f"n{seed}", packed(seed)), "kws")
    return server


def let_go(site: Site, proxy: Proxy) -> None:
    """The client is killed; paramiko, which is no process of its own, loses its connection."""
    if site.client == "paramiko":
        return proxy.cut()
    running = programs()
    for pid in descendants(os.getpid()):
        if running.get(pid, "").split()[0:1] == ["/usr/bin/ssh"]:
            os.kill(pid, signal.SIGKILL)


def change(site: Site, proxy: Proxy, what: str) -> Any:
    if what == "rollback":
        return rollback(site.target(proxy), "kws")
    return deploy(site.target(proxy), site.file("third", packed(3)), "kws")


@pytest.mark.parametrize("stalled", [False, True])
@pytest.mark.parametrize("what", ["deploy", "rollback"])
def test_what_did_not_happen_does_not_happen_later(site: Site, server: Sshd, what: str, stalled: bool) -> None:
    """stalled: the agent stands still when its host goes, and goes on seconds later."""
    proxy = site.proxy(server)

    def in_the_test() -> None:
        wait_until(lambda: len(server.agents_running()) == 2, "the self-test runs in a child of the agent")
        pids = server.agents_running()
        for pid in pids if stalled else []:
            os.kill(pid, signal.SIGSTOP)
        let_go(site, proxy)
        time.sleep(4 if stalled else 0)
        for pid in pids if stalled else []:
            os.kill(pid, signal.SIGCONT)

    threading.Thread(target=in_the_test).start()
    with pytest.raises(LinkError, match=f"the {what} did not happen"):
        change(site, proxy, what)
    wait_until(lambda: not server.agents_running(), "the agent has ended")
    (model,) = status(site.target(server)).models
    assert model.current is not None and model.current.version == 2
    assert change(site, proxy, what).version == (3 if what == "deploy" else 1)
