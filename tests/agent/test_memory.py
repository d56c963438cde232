"""What the agent itself takes in memory, beside the model and its arena."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edgeq_host import deploy as d
from edgeq_host.remote import RemoteModel
from tests.agent.conftest import Local, packed, sample
from tests.ssh.models import heavy

MOST = 2_000_000  # bytes


def pss(pid: int) -> int:
    """Bytes of a process, pages that it shares with others counted by its part of them."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB$", text, re.M)
    assert found is not None
    return int(found[1]) * 1024


@pytest.mark.parametrize("size", [64, 50_000])
def test_the_agent_takes_less_than_2_mb_beside_model_and_arena(local: Local, size: int) -> None:
    d.deploy(local.target, local.file("kws", packed(1, size)))
    with RemoteModel(local.target, "kws") as model:
        model.run(sample(size))
        opened = model.opened
        taken = pss(model.device.link._transport.pid)  # type: ignore[attr-defined]
    assert 100_000 < taken - opened.file_bytes - opened.model_bytes - opened.arena_bytes < MOST


def test_the_window_of_an_upload_is_given_back(local: Local) -> None:
    data = heavy(4)  # more than the window
    with RemoteModel(local.target, "kws", data) as model:
        opened = model.opened
        taken = pss(model.device.link._transport.pid)  # type: ignore[attr-defined]
    assert taken - opened.file_bytes - opened.model_bytes - opened.arena_bytes < MOST
