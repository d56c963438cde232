"""Two builds of the same sources in different folders give the same bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgeq_host import agents
from edgeq_runtime import build

pytestmark = pytest.mark.slow


def test_another_folder_gives_the_same_agents_and_libraries(devices: Path, tmp_path: Path) -> None:
    copy = tmp_path / "in_a_longer_place" / "clone"
    shutil.copytree(build.CSRC.parent, copy / "edgeq_runtime", ignore=shutil.ignore_patterns("lib", "__pycache__"))
    env = {**os.environ, "PYTHONPATH": str(copy)}
    done = subprocess.run([sys.executable, "-m", "edgeq_runtime.build", "devices"], cwd=copy, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == copy / "build" / "devices" / agents.SUMS
    assert (copy / "build" / "devices" / agents.SUMS).read_bytes() == (devices / agents.SUMS).read_bytes()
