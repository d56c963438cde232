"""03_deploy.sh on the board `local` and on one that is not there: what it does at each exit code that it can meet."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeq_host import deploy as d
from tests.agent.conftest import Local

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).parents[2] / "examples" / "03_deploy.sh"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(local: Local, tmp_path: Path) -> Run:
    """The script with `edgeq` on the PATH; before: what that does first."""

    def script(board: str = "local", before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "bin").mkdir()
        edgeq = tmp_path / "bin" / "edgeq"
        edgeq.write_text(f'#!/bin/sh\n{before}\nexec {sys.executable} -m edgeq_host "$@"\n')
        edgeq.chmod(0o755)
        env = {**os.environ, "PATH": f"{edgeq.parent}:/usr/bin:/bin", **environment}
        return subprocess.run([str(SCRIPT), board], capture_output=True, text=True, env=env, cwd=tmp_path, timeout=300)

    return script


def versions(on: Local) -> list[int]:
    """Of the model `digits`: the current one first."""
    return [version.version for model in d.status(on.target).models if model.name == "digits" for version in model.versions]


def test_it_ends_with_the_first_version_and_the_second_beside_it(run: Run, local: Local) -> None:
    done = run()
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("top1 99.") == 2 and "digits version 1 (was 2) runs on local" in done.stdout
    assert versions(local) == [1, 2]


def test_a_score_that_is_too_low_on_the_board_goes_back(run: Run, local: Local, tmp_path: Path) -> None:
    """The second `eval` asks for more than the model has."""
    once = tmp_path / "once"
    done = run(before=f'if [ $1 = eval ]; then [ -e {once} ] && set -- "$@" --min 100%; : >{once}; fi')
    assert done.returncode == 10, done.stderr
    assert "version 2 scores below 98% on local: going back" in done.stderr and versions(local) == [1, 2]


def test_a_board_that_is_not_there_is_tried_again_and_then_4(run: Run) -> None:
    done = run("ssh://nobody@127.0.0.1:1", before="sleep() { :; }")
    assert done.returncode == 4
    assert done.stderr.count("cannot be reached; again in") == 2 and "runs what it ran before; run this again" in done.stderr


def test_a_self_test_that_fails_on_the_board_is_5(run: Run, local: Local, faulty_agent: Path) -> None:
    done = run(EDGEQ_AGENT=str(faulty_agent), EDGEQ_TEST_FAULT="crash")
    assert done.returncode == 5 and "the new version failed its self-test on local: the old version runs" in done.stderr
    assert versions(local) == []


def test_a_board_that_is_unknown_is_2(run: Run) -> None:
    done = run("nowhere")
    assert done.returncode == 2 and done.stderr.endswith("nothing was deployed\n")
