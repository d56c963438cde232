"""The self-test of every kernel on the device: what is equal, and what is not, crashes or hangs, without an end of the agent."""

from __future__ import annotations

import subprocess
from itertools import islice
from pathlib import Path

import pytest

from edgeq_host.deploy import connect
from edgeq_host.faults import Refused
from edgeq_runtime import build, lists
from tests.agent.conftest import Local

FAULTY = Path(__file__).parent / "faulty_check.c"


@pytest.fixture(scope="session")
def checking_agent(built_agent: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = build.config_for("agent", None, False)
    on = build.enabled(config.cc)
    objects = [build.compile_one(config, on, source) for source in build.target_sources("agent", on)]
    output = tmp_path_factory.mktemp("checking") / "edgeq-agent"
    command = [*config.cc.split(), f"-I{build.CSRC}", str(FAULTY), "-Wl,--wrap=eq_kernel_check", *map(str, objects), "-lm", "-pthread"]
    subprocess.run([*command, "-o", str(output)], check=True)
    return output


@pytest.mark.slow
def test_every_kernel_of_this_machine_is_equal_to_the_portable_one(local: Local) -> None:
    with connect(local.target) as device:
        isas = device.facts().isa_names
        found = list(device.check_kernels(120))
    assert [c.kernel for c in found] == [k.stem for k in lists.kernels()]
    assert [c.here for c in found] == [k.isa in isas for k in lists.kernels()]
    assert [c for c in found if c.fault or (c.cases > 1000) != c.here] == []


@pytest.mark.parametrize(("what", "fault"), [("equal", ""), ("unequal", "other outputs"), ("crash", r"signal 6"), ("hang", "did not end")])
def test_a_kernel_that_is_wrong_is_said_and_the_agent_goes_on(
    what: str, fault: str, local: Local, checking_agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEQ_AGENT", str(checking_agent))
    monkeypatch.setenv("EDGEQ_TEST_CHECK", what)
    with connect(local.target) as device:
        found = list(islice((c for c in device.check_kernels(0.2) if c.here), 3))
        assert len(found) == 3 and all((fault in c.fault) if fault else c.fault == "" for c in found)
        assert device.facts().machine


def test_a_row_that_is_not_there_and_a_port_without_the_test_refuse(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    with connect(local.target) as device, pytest.raises(Refused, match="out of its range"):
        device.link.call("check_kernel", "checked", index=len(lists.kernels()), limit_ms=1)
    monkeypatch.setenv("EDGEQ_AGENT", str(build.build("posix", build.config_for("posix", None, False))))
    with connect(local.target) as device, pytest.raises(Refused, match="does not know this command"):
        list(device.check_kernels(1))
