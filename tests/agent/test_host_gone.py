"""A host that goes while the device tests a version: what it then says of the device stays true, whenever the device goes on."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bench.ssh.server import wait_until
from edgeq_host import deploy as d
from edgeq_host import device as devices
from edgeq_host.errors import DeviceTimeoutError, LinkError
from edgeq_host.log import log
from edgeq_host.targets import Target
from tests.agent.conftest import Local, packed

FAR = Path(__file__).parent / "far_agent.py"

pytestmark = pytest.mark.slow


def ended(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


def runs_a_child(pid: int) -> bool:
    """The agent has a child, which runs a self-test."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text() != ""


@dataclass(frozen=True)
class Far:
    """A device of its own store behind a process that can be killed as an ssh client can. Versions 1 and 2 are there."""

    local: Local
    target: Target
    ids: Path
    selftest_s: float = 20.0

    def first(self) -> tuple[int, int]:
        """Of the first session: the process in between, and the agent."""
        wait_until(lambda: self.ids.exists() and self.ids.read_text().endswith("\n"), "the agent has begun")
        carrier, agent = map(int, self.ids.read_text().splitlines()[0].split())
        return carrier, agent

    def in_the_test(self, act: Callable[[int, int], None]) -> None:
        """Call act with the two processes once the self-test runs."""

        def watch() -> None:
            carrier, agent = self.first()
            wait_until(lambda: runs_a_child(agent), "the self-test runs")
            act(carrier, agent)

        threading.Thread(target=watch).start()

    def change(self, what: str) -> Any:
        if what == "rollback":
            return d.rollback(self.target, "kws", selftest_s=self.selftest_s, quiet_s=5)
        return d.deploy(self.target, self.local.file("third", packed(3)), "kws", selftest_s=self.selftest_s, quiet_s=5)

    def stays(self, agent: int) -> None:
        """Once the agent has ended, version 2 is current as it was before."""
        wait_until(lambda: ended(agent), "the agent has ended")
        (model,) = d.status(self.local.target).models
        assert model.current is not None and model.current.version == 2
        assert [e.event for e in log(self.local.target).entries[:2]] == ["installed", "installed"]
        assert not {"installed", "rolled_back"} & {e.event for e in log(self.local.target).entries[2:]}


@pytest.fixture
def far(local: Local, faulty_agent: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Far]:
    for seed in (1, 2):
        d.deploy(local.target, local.file(f"n{seed}", packed(seed)), "kws")
    monkeypatch.setenv("EDGEQ_TEST_FAULT", "late")
    ids = local.folder / "ids"
    command = shlex.join([sys.executable, str(FAR), str(ids), str(faulty_agent)])
    yield Far(local, replace(local.target, address=f"pipe:{command}"), ids)
    for word in ids.read_text().split():  # a test that failed may leave them stopped
        if not ended(int(word)):
            os.kill(int(word), signal.SIGKILL)


def kill(carrier: int, agent: int) -> None:
    os.kill(carrier, signal.SIGKILL)


def stall(carrier: int, agent: int) -> None:
    os.kill(agent, signal.SIGSTOP)
    kill(carrier, agent)


WHAT = ["deploy", "rollback"]


@pytest.mark.parametrize("what", WHAT)
def test_a_device_does_not_switch_for_a_host_that_has_gone(far: Far, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    far.in_the_test(kill)
    began = time.monotonic()
    with pytest.raises(LinkError, match=f"the {what} did not happen") as info:
        far.change(what)
    assert info.value.code == 4 and time.monotonic() - began < 10
    far.stays(far.first()[1])
    (model,) = d.status(far.local.target).models
    assert model.unfinished == (len(packed(3)) if what == "deploy" else 0)
    assert log(far.local.target).entries[-1].fault == "host_gone"
    monkeypatch.delenv("EDGEQ_TEST_FAULT")
    assert far.change(what).version == (3 if what == "deploy" else 1)


@pytest.mark.parametrize("what", WHAT)
def test_an_agent_that_stands_still_leaves_the_state_unknown(far: Far, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds the store, and may have passed the last look at its host."""
    monkeypatch.setattr(d, "SETTLE_S", 0.5)
    far.in_the_test(stall)
    with pytest.raises(DeviceTimeoutError, match="another program is changing the store") as info:
        replace(far, selftest_s=4.0).change(what)
    assert info.value.code == 9 and "edgeq status" in info.value.hint
    _, agent = far.first()
    os.kill(agent, signal.SIGCONT)
    far.stays(agent)


@pytest.mark.parametrize("what", WHAT)
def test_an_agent_that_goes_on_is_waited_for(far: Far, what: str) -> None:
    def briefly(carrier: int, agent: int) -> None:
        stall(carrier, agent)
        time.sleep(4)  # the self-test has ended by itself
        os.kill(agent, signal.SIGCONT)

    far.in_the_test(briefly)
    with pytest.raises(LinkError, match=f"the {what} did not happen"):
        far.change(what)
    far.stays(far.first()[1])


def test_a_rollback_that_an_agent_reads_when_its_host_has_gone_is_not_done(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEQ_TEST_FAULT", "")
    real = devices.Device.rollback

    def late(self: devices.Device, *arguments: Any) -> Any:
        os.kill(far.first()[1], signal.SIGSTOP)
        return real(self, *arguments)

    monkeypatch.setattr(devices.Device, "rollback", late)
    with pytest.raises(LinkError, match="the rollback did not happen"):
        d.rollback(far.target, "kws", quiet_s=1)
    carrier, agent = far.first()
    assert ended(carrier)
    os.kill(agent, signal.SIGCONT)
    far.stays(agent)
