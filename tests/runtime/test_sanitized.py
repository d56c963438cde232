"""The tests of edges, memory and operators' arenas again, with a library under AddressSanitizer and UndefinedBehaviorSanitizer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgeq_runtime import build

ROOT = Path(__file__).parents[2]
RUNTIMES = ("libasan.so", "libubsan.so")


@pytest.mark.slow
def test_edges_and_arenas_have_no_finding_of_the_sanitizers() -> None:
    if not shutil.which("gcc"):
        pytest.skip("gcc is not installed: its sanitizers can be loaded before the interpreter")
    paths = [subprocess.run(["gcc", f"-print-file-name={n}"], check=True, capture_output=True, text=True).stdout.strip() for n in RUNTIMES]
    if not all(os.path.isabs(path) for path in paths):
        pytest.skip("gcc has no sanitizers here")
    library = build.build("lib", build.config_for("lib", "gcc", True))
    extra = {"EDGEQ_LIBRARY": str(library), "LD_PRELOAD": " ".join(paths), "ASAN_OPTIONS": "detect_leaks=0", "PYTHONPATH": str(ROOT)}
    files = [f"tests/runtime/test_{name}.py" for name in ("edges", "arena", "file")]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:faulthandler", *files]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **extra}, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
