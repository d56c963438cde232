"""Exit codes do not depend on who reads the output, nor on --traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgeq_host.cli import group
from tests.cli.conftest import DIGITS, Edgeq

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


@pytest.mark.parametrize("words", [["check", "m.onnx"], ["check", "m.onnx", "--json"]])
@pytest.mark.parametrize("problem", [BrokenPipeError(32, "Broken pipe"), OSError(28, "No space left on device"), FileNotFoundError("x")])
def test_an_os_error_that_is_not_of_the_output_is_an_internal_error(
    edgeq: Edgeq, monkeypatch: pytest.MonkeyPatch, words: list[str], problem: OSError
) -> None:
    def fails(arguments: list[str]) -> int:
        raise problem

    monkeypatch.setattr(group, "_invoke", fails)
    found = edgeq(*words)
    assert found.code == 1
    text = found.json["error"]["message"] if "--json" in words else found.err
    assert "internal error" in text and type(problem).__name__ in text


@pytest.mark.parametrize(
    ("words", "code"),
    [("--help", 2), ("check --help", 2), ("inspect {packed} --json", 2), ("check nothing.onnx --json", 2), ("check {bad} --json", 3)],
)
def test_a_full_disk_in_the_place_of_stdout_is_said_on_stderr(packed: Path, tmp_path: Path, words: str, code: int) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    done = _bash(f"edgeq {words.format(packed=packed, bad=tmp_path / 'bad.onnx')} > /dev/full")
    assert done.returncode == code and done.stdout == "" and done.stderr.startswith("error: ") and "Traceback" not in done.stderr


def test_stderr_that_takes_nothing_leaves_the_exit_code() -> None:
    assert _bash("edgeq check nothing.onnx 2> /dev/full").returncode == 2
    closed = _bash("edgeq check nothing.onnx 2>&-")
    assert (closed.returncode, closed.stdout) == (2, "")
