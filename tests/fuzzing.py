"""The libFuzzer targets of csrc/fuzz: built, over a folder of inputs, or for a while."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgeq_runtime import build

DATA = Path(__file__).parent / "data"
NAMES = tuple(path.stem for path in sorted(build.CSRC.glob("fuzz/*.c")))


def fuzzer(name: str) -> Path:
    if not shutil.which("clang"):
        pytest.skip("clang is not installed: libFuzzer needs it")
    return build.build(name, build.config_for(name, None, False))


def replay(program: Path, folder: Path, *flags: str, timeout: float = 300) -> None:
    """Every file of a folder; files that are found go into it."""
    run(program, folder, "-runs=0", *flags, timeout=timeout)


def fuzz_for(program: Path, seconds: int, corpus: Path, seeds: Path) -> None:
    run(program, corpus, f"-max_total_time={seconds}", str(seeds), timeout=seconds + 120)


def run(program: Path, folder: Path, *flags: str, timeout: float) -> None:
    command = [str(program), "-timeout=20", f"-artifact_prefix={folder}/", str(folder), *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr[-4000:]
