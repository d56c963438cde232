"""An agent of its own store for each test, and small models for it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from edgeq_host import boards
from edgeq_host.export import Bundle, SelfTest, Variant, to_bytes
from edgeq_host.graph import Edge, Graph, Node, Quant, Tensor
from edgeq_host.selftest import make
from edgeq_host.targets import Target, of_board
from edgeq_runtime import build

FAULTY = Path(__file__).parent / "faulty_selftest.c"


def network(seed: int, size: int = 64) -> Graph:
    """x f32 [1, size] -> quantize -> fully_connected_s8 -> clip -> dequantize, with weights of `seed`."""
    generator = np.random.default_rng(seed)

    def quant(scale: float, zero: int) -> Quant:
        return Quant(np.array([scale]), np.array([zero], np.int64))

    rq = np.concatenate(
        [
            generator.integers(-1000, 1000, 8).astype("<i4").view(np.uint8),
            generator.integers(2**30, 2**31 - 1, 8).astype("<i4").view(np.uint8),
            np.full(8, 7, np.uint8),
        ]
    )
    tensors = {
        "x": Tensor("x", (1, size), "s8", None, quant(0.05, 3)),
        "w": Tensor("w", (8, size), "s8", generator.integers(-127, 128, (8, size)).astype(np.int8)),
        "rq": Tensor("rq", (72,), "u8", rq),
        "a": Tensor("a", (1, 8), "s8", None, quant(0.1, -5)),
        "y": Tensor("y", (1, 8), "s8", None, quant(0.1, -5)),
    }
    nodes = [
        Node("fully_connected_s8", "dense", ("x", "w", "rq"), ("a",), {"x_zero": 3, "w_zero": 0, "y_zero": -5, "lo": -128, "hi": 127}),
        Node("clip_s8", "clip", ("a",), ("y",), {"lo": -100, "hi": 100}),
    ]
    edges = [Edge("input", "x", (1, size), (0, 1), "f32")], [Edge("output", "y", (1, 8), (0, 1), "f32")]
    return Graph(f"net{seed}", tensors, nodes, *edges)


def sample(size: int = 64) -> np.ndarray:
    return np.linspace(-3, 3, size, dtype=np.float32).reshape(1, size)


def packed(seed: int, size: int = 64, break_output: bool = False) -> bytes:
    """An .eqm with its self-test, or one that no device can pass."""
    graph = network(seed, size)
    selftest = make(graph, [sample(size)])
    if break_output:
        first = bytes([selftest.outputs[0][0] ^ 1]) + selftest.outputs[0][1:]
        selftest = SelfTest(selftest.inputs, selftest.seeds, (first, *selftest.outputs[1:]))
    return to_bytes(Bundle(graph.name, [Variant("int8", graph, selftest)]))


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
