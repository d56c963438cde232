"""Exit codes do not depend on who reads the output, nor on --traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import DIGITS

TEST = DIGITS / "test.npz"


def _bash(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command.replace("edgeq", f"{sys.executable} -m edgeq_host", 1)], capture_output=True, text=True
    )


@pytest.mark.parametrize("reader", ["| true", "2>&1 | true", "| head -1"])
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (f"eval {{packed}} --data {TEST} --min 100%", 10),
        ("check nothing.onnx --json", 2),
        ("inspect {packed}", 0),
        ("--help", 0),
    ],
)
def test_the_exit_code_is_the_commands_where_the_reader_has_left(packed: Path, words: str, code: int, reader: str) -> None:
    done = _bash(f"edgeq {words.format(packed=packed)} {reader}")
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr and "Broken" not in done.stderr


def test_the_report_on_a_refused_model_into_a_closed_pipe_still_exits_3(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"no model")
    assert _bash(f"edgeq check {tmp_path}/m.onnx --json | true").returncode == 3


@pytest.mark.parametrize("json_flag", [[], ["--json"]])
def test_traceback_keeps_the_exit_code_and_the_error(tmp_path: Path, json_flag: list[str]) -> None:
    (tmp_path / "m.onnx").write_bytes(b"")
    command = [sys.executable, "-m", "edgeq_host", "check", str(tmp_path / "m.onnx"), "--traceback", *json_flag]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 3 and done.stderr.startswith("Traceback (most recent call last):")
    if json_flag:
        assert json.loads(done.stdout)["error"]["code"] == 3
    else:
        assert "\nerror: " in done.stderr and "\nhint: " in done.stderr
