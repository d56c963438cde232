"""The tests of edges, memory and operators' arenas again, with a library under AddressSanitizer and UndefinedBehaviorSanitizer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgeq_host.produce import Source, produce
from edgeq_runtime import build, native

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


@pytest.mark.slow
def test_threads_that_share_a_network_have_no_finding_of_the_thread_sanitizer(assets: Path, tmp_path: Path) -> None:
    config = build.Config("clang", "thread-sanitizer", ("-g", "-fsanitize=thread"))
    data = produce(Source(assets / "models" / "kws_ref_model.tflite")).data
    (tmp_path / "kws.eqm").write_bytes(data)
    size = native.Model(data).inputs[0].bytes
    samples = np.random.default_rng(4).integers(0, 256, 20 * size, np.uint8).tobytes()
    command = [build.build("runner", config), tmp_path / "kws.eqm", "-1"]
    outputs = [subprocess.run([*command, str(n)], input=samples, capture_output=True, check=True) for n in (1, 3)]
    assert outputs[0].stdout == outputs[1].stdout != b"" and not outputs[1].stderr, outputs[1].stderr.decode()[-4000:]
