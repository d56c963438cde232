"""Ctrl-C and SIGTERM at every moment from the first line of edgeq on: exit code 130, one line, no traceback, old or new, never a mix."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

import edgeq_runtime
from edgeq_host.cli import interrupt
from tests.cli.conftest import DIGITS, ROOT, Edgeq

LINE = f"error: {interrupt.TEXT}; {interrupt.HINT}\n"
# What entry() does first, then the word that it has been done: what is before it belongs to Python, and cannot be caught.
START = "import os\nfrom edgeq_host.cli import interrupt\nfrom edgeq_host.cli.main import entry\ninterrupt.guard()\n"
START += "os.write(1, b'ready\\n')\nentry()"
QUANTIZE = ("quantize", DIGITS / "digits.onnx", "--calibration", DIGITS / "calibration.npz", "-o", "q.eqm")
DEPLOY = ("deploy", "f.eqm", "-b", "local", "--name", "m")
SURE_MS = 60  # before it no command has ended
FEW = [0, 15, 60, 250]
MANY = [*range(5, 120, 10), *range(130, 900, 45), 1000, 1500]
DELAYS = [*FEW, *(pytest.param(ms, marks=pytest.mark.slow) for ms in MANY)]


@dataclass(frozen=True)
class Left:
    code: int
    out: str
    err: str


def interrupted(
    words: tuple[object, ...], delay_ms: float, presses: int = 1, number: int = signal.SIGINT, once: Path | None = None
) -> Left:
    """Run and press Ctrl-C delay_ms after the first line of edgeq, and once that file is there; what its terminal would send goes to the
    whole process group."""
    command = [sys.executable, "-c", START, *map(str, words)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    assert child.stdout is not None and child.stdout.readline() == b"ready\n"
    time.sleep(delay_ms / 1000)
    while once is not None and not once.exists():
        time.sleep(0.02)
    for _ in range(presses):
        os.killpg(child.pid, number)
    out, err = child.communicate(timeout=60)
    return Left(child.returncode, out.decode(), err.decode())


def check(left: Left, delay_ms: float) -> None:
    assert left.code == 130 or (left.code == 0 and delay_ms > SURE_MS), left
    assert left.code == 0 or left.err == LINE
    assert "Traceback" not in left.err and "ignored" not in left.err


@pytest.mark.parametrize("delay_ms", DELAYS)
def test_ctrl_c_in_quantize_leaves_no_file_or_the_whole_one(edgeq: Edgeq, tmp_path: Path, delay_ms: int) -> None:
    left = interrupted(QUANTIZE, delay_ms)
    check(left, delay_ms)
    assert {path.name for path in tmp_path.iterdir()} <= {"q.eqm"}
    if Path("q.eqm").exists():
        edgeq_runtime.open("q.eqm").selftest()  # raises where an output differs
    else:
        assert left.code == 130


@pytest.mark.parametrize("delay_ms", DELAYS)
def test_ctrl_c_in_deploy_leaves_the_old_or_the_new_version(edgeq: Edgeq, packed: Path, delay_ms: int) -> None:
    edgeq("quantize", DIGITS / "digits.onnx", "--precision", "float32", "-o", "f.eqm")
    edgeq("deploy", packed, "-b", "local", "--name", "m")
    left = interrupted(DEPLOY, delay_ms)
    check(left, delay_ms)
    version = edgeq("status", "m", "-b", "local", "--json").json["models"][0]["current"]["version"]
    assert version == 2 if left.code == 0 else version in (1, 2)
    assert edgeq("eval", "m", "--data", DIGITS / "test.npz", "-b", "local", "--min", "98%").code == 0
    assert edgeq("deploy", "f.eqm", "-b", "local", "--name", "m", "--json").json["version"] == 2


@pytest.mark.parametrize("delay_ms", [0, 150])
def test_ctrl_c_twice_still_says_it_once(edgeq: Edgeq, delay_ms: int) -> None:
    check(interrupted(QUANTIZE, delay_ms, presses=2), delay_ms)


@pytest.mark.parametrize("delay_ms", FEW)
def test_a_stop_by_sigterm_is_answered_like_ctrl_c(edgeq: Edgeq, tmp_path: Path, delay_ms: int) -> None:
    check(interrupted(QUANTIZE, delay_ms, number=signal.SIGTERM), delay_ms)
    assert {path.name for path in tmp_path.iterdir()} <= {"q.eqm"}


@pytest.mark.parametrize("name", ["m", "m@1"])
def test_a_rollback_that_was_interrupted_is_not_to_be_run_again(edgeq: Edgeq, tmp_path: Path, name: str) -> None:
    """Without a version it would undo the one before, which may have come to its end."""
    silent = "pipe:sh -c 'touch reached; exec sleep 1000'"
    left = interrupted(("rollback", name, "-b", silent), 0, once=tmp_path / "reached")
    assert left.code == 130
    assert left.err == LINE if name == "m@1" else "edgeq status" in left.err and interrupt.HINT not in left.err


def test_ctrl_c_with_json_is_a_document_on_stdout(edgeq: Edgeq) -> None:
    left = interrupted((*QUANTIZE, "--json"), 30)
    assert left == Left(130, '{"error": {"code": 130, "message": "interrupted", "hint": "' + interrupt.HINT + '"}}\n', "")


def test_a_command_in_the_background_of_a_script_is_not_interrupted(edgeq: Edgeq) -> None:
    """Shells have SIGINT ignored for it."""
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); from edgeq_host.cli import interrupt as i; "
    code += "i.guard(); i.begin(); signal.raise_signal(signal.SIGINT); i.end(); print(i.came())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_ctrl_c_while_a_compiled_module_is_set_up_leaves_at_once() -> None:
    """The audit hook is called there, by its C code. onnx crashed where an exception came out of it."""
    code = """
import signal, sys
from edgeq_host.cli import interrupt
def hook(event, args):
    if event == "import" and args[1]:
        signal.raise_signal(signal.SIGINT)
interrupt.begin()
sys.addaudithook(hook)
import numpy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, LINE)


def test_nothing_that_takes_long_is_imported_before_ctrl_c_is_looked_after() -> None:
    code = (
        "import __future__, gc, os, signal, sys; before = set(sys.modules); import edgeq_host.cli.main; print(*set(sys.modules) - before)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, env=environment)
    assert set(done.stdout.split()) == {"edgeq_host", "edgeq_host.cli", "edgeq_host.cli.main", "edgeq_host.cli.interrupt"}, done.stderr


@pytest.mark.parametrize("how", [["-m", "pressed"], ["pressed.py"]], ids=["module", "script"])
def test_ctrl_c_while_a_text_is_executed_is_130_as_well(tmp_path: Path, how: list[str]) -> None:
    """As a dataclass is made. Python itself would end a module by the signal."""
    (tmp_path / "pressed.py").write_text("""
import signal
from edgeq_host.cli import group, main
group.run = lambda words: exec("signal.raise_signal(signal.SIGINT)")
main.entry()
""")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, *how], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", LINE)


@pytest.mark.parametrize("module", ["edgeq_host", "edgeq_host.cli.main"])
def test_the_command_also_runs_as_a_module(module: str) -> None:
    done = subprocess.run([sys.executable, "-m", module, "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout[:6]) == (0, "edgeq,")


@pytest.mark.parametrize("delay_ms", [60, 600])
def test_ctrl_c_in_bench_of_a_board_keeps_no_rates_and_leaves_no_agent(edgeq: Edgeq, tmp_path: Path, delay_ms: int) -> None:
    """The agent is in the middle of a kernel then."""
    left = interrupted(("bench", "kernels", "-b", "local", "--rounds", "101"), delay_ms)
    check(left, delay_ms)
    assert left.code == 130 and not list(tmp_path.rglob("rates/*"))
    mine = f"EDGEQ_STORE={tmp_path}/store".encode()
    for _ in range(50):
        agents = [p for p in Path("/proc").glob("[0-9]*") if _is_agent(p, mine)]
        if not agents:
            break
        time.sleep(0.1)
    assert agents == []


def _is_agent(process: Path, variable: bytes) -> bool:
    try:
        return b"edgeq-agent" in (process / "cmdline").read_bytes() and variable in (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
