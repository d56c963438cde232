"""An agent of its own store for each test, and small models for it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgeq_host import boards, sample_model
from edgeq_host.export import Bundle, SelfTest, Variant, to_bytes
from edgeq_host.sample_model import network as network
from edgeq_host.sample_model import sample as sample
from edgeq_host.selftest import make
from edgeq_host.targets import Target, of_board
from edgeq_runtime import build

FAULTY = Path(__file__).parent / "faulty_selftest.c"


def packed(seed: int, size: int = 64, break_output: bool = False) -> bytes:
    """An .eqm with its self-test, or one that no device can pass."""
    if not break_output:
        return sample_model.packed(seed, size)
    graph = network(seed, size)
    good = make(graph, [sample(size)])
    first = bytes([good.outputs[0][0] ^ 1]) + good.outputs[0][1:]
    return to_bytes(Bundle(graph.name, [Variant("int8", graph, SelfTest(good.inputs, good.seeds, (first, *good.outputs[1:])))]))


@dataclass(frozen=True)
class Local:
    """The board `local` with an empty store, and a folder for files."""

    target: Target
    store: Path
    folder: Path

    def file(self, name: str, data: bytes) -> Path:
        path = self.folder / f"{name}.eqm"
        path.write_bytes(data)
        return path

    def agent(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The agent as a command on the device."""
        command, env = [os.environ["EDGEQ_AGENT"], *words], {**os.environ, **environment}
        return subprocess.run(command, capture_output=True, text=True, errors="replace", env=env, timeout=60)


@pytest.fixture(scope="session")
def built_agent() -> Path:
    """The agent that ships; with EDGEQ_TEST_SANITIZE=1 the one with AddressSanitizer and UndefinedBehaviorSanitizer."""
    sanitize = os.environ.get("EDGEQ_TEST_SANITIZE") == "1"
    return build.build("agent", build.config_for("agent", None, sanitize))


@pytest.fixture
def local(built_agent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Local:
    monkeypatch.setenv("EDGEQ_AGENT", str(built_agent))
    monkeypatch.setenv("EDGEQ_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Local(of_board(boards.resolve("local")), tmp_path / "store", tmp_path)


@pytest.fixture(scope="session")
def faulty_agent(built_agent: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent with other inference, which does what EDGEQ_TEST_FAULT says: crash, hang, be slow in one run or in many."""
    config = build.config_for("agent", None, False)
    on = build.enabled(config.cc)
    objects = [build.compile_one(config, on, source) for source in build.target_sources("agent", on)]
    output = tmp_path_factory.mktemp("faulty") / "edgeq-agent"
    compiler = [*config.cc.split(), f"-I{build.CSRC}", str(FAULTY), "-Wl,--wrap=eq_selftest,--wrap=eq_run"]
    subprocess.run([*compiler, *map(str, objects), "-lm", "-o", str(output)], check=True)
    return output
