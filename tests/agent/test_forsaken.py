"""A host that vanishes in the middle of an upload without the connection being closed: the store is not locked for ever."""

from __future__ import annotations

import hashlib
import subprocess
import time
from pathlib import Path

import pytest

from edgeq_host import deploy as d
from edgeq_host.device import STORE
from edgeq_host.errors import EdgeqError
from edgeq_runtime import build
from tests.agent.conftest import Local, packed

FAST = Path(__file__).parent / "fast_clock.c"

pytestmark = pytest.mark.slow


@pytest.fixture
def fast_agent(built_agent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = build.config_for("agent", None, False)
    on = build.enabled(config.cc)
    objects = [build.compile_one(config, on, source) for source in build.target_sources("agent", on)]
    output = tmp_path / "edgeq-agent"
    compiler = [*config.cc.split(), str(FAST), "-Wl,--wrap=eq_port_time_ns", "-Wl,--wrap=eq_port_time_ms"]
    subprocess.run([*compiler, *map(str, objects), "-lm", "-pthread", "-o", str(output)], check=True)
    monkeypatch.setenv("EDGEQ_AGENT", str(output))


def test_an_upload_whose_host_is_silent_is_given_up_and_can_go_on(local: Local, fast_agent: None) -> None:
    data = packed(1, 1 << 14)
    file = local.file("net", data)
    with d.connect(local.target) as silent:
        silent.link.call("put", "ready", target=STORE, size=len(data), sha256=hashlib.sha256(data).digest(), name="net")
        silent.link.send("data", offset=0, bytes=data[:50_000])
        silent.facts()  # the bytes are there
        with pytest.raises(EdgeqError, match="another program is changing the store"):
            d.deploy(local.target, file)
        time.sleep(2.0)  # 80 s of the agent's
        (model,) = d.status(local.target).models
        assert model.unfinished == 50_000
        sent: list[int] = []
        assert d.deploy(local.target, file, progress=lambda done, of: sent.append(done)).version == 1
        assert sent[0] > 50_000
