"""The link under AddressSanitizer and UndefinedBehaviorSanitizer (csrc/fuzz/fuzz_frame.c)."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from edgeq_runtime import build

CORPUS = Path(__file__).parents[1] / "data" / "fuzz_frame"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fuzzer() -> Path:
    if not shutil.which("clang"):
        pytest.skip("clang is not installed: libFuzzer needs it")
    return build.build("fuzz_frame", build.config_for("fuzz_frame", None, False))


def replay(fuzzer: Path, folder: Path) -> None:
    command = [str(fuzzer), "-runs=0", "-timeout=20", f"-artifact_prefix={folder}/", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]


def test_the_kept_corpus_is_taken_without_a_finding(fuzzer: Path) -> None:
    assert len(list(CORPUS.iterdir())) > 5
    replay(fuzzer, CORPUS)


def test_mutations_of_the_corpus_are_taken_without_a_finding(fuzzer: Path, tmp_path: Path) -> None:
    generator = random.Random(1)
    for path in sorted(CORPUS.iterdir()):
        for number in range(200):
            data = bytearray(path.read_bytes())
            for _ in range(generator.randrange(1, 8)):
                data[generator.randrange(len(data))] = generator.randrange(256)
            (tmp_path / f"{path.name}_{number}").write_bytes(data)
    replay(fuzzer, tmp_path)
