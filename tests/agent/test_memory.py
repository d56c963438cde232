"""What the agent itself takes in memory, beside the model and its arena."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeq_host import deploy as d
from edgeq_host.remote import RemoteModel
from edgeq_host.verify import MEMORY_BYTES
from edgeq_runtime import build
from tests.agent.conftest import Local, packed, sample
from tests.ssh.models import heavy


def pss(rollup: str) -> int:
    """Bytes of a process, pages that it shares with others counted by its part of them. rollup: its smaps_rollup."""
    found = re.search(r"^Pss:\s+(\d+) kB$", rollup, re.M)
    assert found is not None
    return int(found[1]) * 1024


@pytest.fixture(scope="module")
def static_agent() -> Path:
    """The agent as it goes to devices: linked with the C library of `build devices`, not with this machine's."""
    try:
        return build.build("agent", build.config_for("agent", None, False, "x86_64"))
    except build.BuildError as error:
        pytest.skip(f"no compiler for devices: {error}")


@pytest.fixture(params=["built_agent", "static_agent"])
def either(request: pytest.FixtureRequest, local: Local, monkeypatch: pytest.MonkeyPatch) -> Local:
    """An empty store with the agent of this machine, or the static one."""
    if request.param == "static_agent" and platform.machine() != "x86_64":
        pytest.skip("the static agent is built for x86_64 here")
    monkeypatch.setenv("EDGEQ_AGENT", str(request.getfixturevalue(request.param)))
    return local


def beside(model: RemoteModel, rollup: str = "") -> int:
    """Bytes that the agent of a session takes beside the model and its arena. rollup: its smaps_rollup, where it runs elsewhere."""
    opened = model.opened
    rollup = rollup or Path(f"/proc/{model.device.link.transport.pid}/smaps_rollup").read_text()  # type: ignore[attr-defined]
    return pss(rollup) - opened.file_bytes - opened.model_bytes - opened.arena_bytes


@pytest.mark.parametrize("size", [64, 50_000])
def test_the_agent_takes_less_than_2_mb_beside_model_and_arena(
    either: Local, size: int, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    d.deploy(either.target, either.file("kws", packed(1, size)))
    with RemoteModel(either.target, "kws") as model:
        model.run(sample(size))
        taken = beside(model)
    assert 100_000 < taken < MEMORY_BYTES
    record_property("memory of the agent", f"local, {request.node.callspec.id}: {taken} bytes beside model and arena")


def test_the_window_of_an_upload_is_given_back(either: Local) -> None:
    with RemoteModel(either.target, "kws", heavy(4)) as model:  # more than the window
        assert beside(model) < MEMORY_BYTES
