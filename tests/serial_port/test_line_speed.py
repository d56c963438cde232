"""The speed of a line: raised to what both ends and the wire can, and back by itself on both ends."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from edgeq_host import deploy as d
from edgeq_host import line_speed, sample_model, wire
from edgeq_host.remote import RemoteModel
from tests.serial_port.conftest import Chip, Wired
from tests.serial_port.line import Line

# A program that is killed while it has the line at a higher speed.
KILLED = """
import os, signal, sys
from edgeq_host.deploy import connect
from edgeq_host.targets import Target
device = connect(Target("chip", sys.argv[1]))
print(device.link.transport.baud, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def speed(wired: Wired) -> int:
    """That a session gets."""
    with d.connect(wired.target) as there:
        transport = there.link.transport
        there.facts()
        return int(getattr(transport, "baud"))  # noqa: B009 (a Transport in general has none)


def back(line: Line, limit_s: float) -> float:
    """Seconds until the chip has gone back."""
    began = time.monotonic()
    while line.chip_speed != 115200:
        assert time.monotonic() - began < limit_s, "the chip has not gone back"
        time.sleep(0.01)
    return time.monotonic() - began


def test_it_is_raised_to_the_highest_and_lowered_when_the_session_ends(chip: Chip) -> None:
    wired = chip()
    for _ in range(2):
        began = time.monotonic()
        assert speed(wired) == 3_000_000
        assert time.monotonic() - began < 2
        assert back(wired.line, 0.4) < 0.4
    assert wired.line.speeds == {115200, 3_000_000}


@pytest.mark.parametrize(("query", "highest"), [("?fastest=921600", 921_600), ("?fastest=700000", 460_800), ("?fastest=115200", 115_200)])
def test_an_address_may_say_the_highest(chip: Chip, query: str, highest: int) -> None:
    wired = chip(query)
    assert speed(wired) == highest and max(wired.line.speeds) == highest


def test_where_the_wire_is_too_bad_for_a_speed_the_next_that_works_is_taken(chip: Chip) -> None:
    wired = chip(works=lambda baud: baud <= 1_500_000)
    assert speed(wired) == 1_500_000 and wired.line.garbled > 0


def test_where_the_wire_takes_no_other_speed_the_session_goes_on_as_it_began(chip: Chip) -> None:
    wired = chip("?fastest=460800", works=lambda baud: baud == 115_200)
    assert speed(wired) == 115_200 and wired.line.garbled > 0


def test_a_program_that_is_killed_leaves_a_line_that_the_next_command_finds(chip: Chip) -> None:
    wired = chip()
    killed = subprocess.run([sys.executable, "-c", KILLED, wired.target.address], capture_output=True, text=True, timeout=60)
    assert killed.stdout == "3000000\n", killed.stderr
    began = time.monotonic()
    assert d.status(wired.target).device.board == "posix"
    assert time.monotonic() - began < line_speed.QUIET_MS / 1000 + 2.5


def test_a_chip_whose_host_is_gone_goes_back_by_itself(chip: Chip) -> None:
    wired = chip()
    there = d.connect(wired.target)
    there.close(in_order=False)
    took = back(wired.line, 10)
    assert 0.5 < took < line_speed.QUIET_MS / 1000 + 1


def test_a_pause_of_the_host_costs_the_speed_and_nothing_else(chip: Chip) -> None:
    wired, x = chip(), sample_model.sample()
    with RemoteModel(wired.target, "kws", sample_model.packed(1)) as there:
        first = there.run(x)
        time.sleep(line_speed.QUIET_MS / 1000 + 0.5)
        assert wired.line.chip_speed == 115200
        began = time.monotonic()
        assert np.array_equal(there.run(x), first)
        assert time.monotonic() - began < 2


def test_a_chip_that_has_no_other_speed_is_left_as_it_is(chip: Chip, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: line_speed.LineSpeed, baud: int) -> None:
        raise AssertionError("a speed was asked for")

    wired = chip()
    monkeypatch.setattr(line_speed.LineSpeed, "_common", lambda self: [])
    monkeypatch.setattr(line_speed.LineSpeed, "_ask", refused)
    assert speed(wired) == 115_200


def test_an_agent_before_1_5_is_not_asked(chip: Chip, monkeypatch: pytest.MonkeyPatch) -> None:
    wired = chip()
    monkeypatch.setattr(line_speed, "MINOR", wire.protocol()[1] + 1)
    assert speed(wired) == 115_200 and wired.line.speeds == {115200}


@pytest.mark.parametrize(
    "values",
    [
        {"baud": 9600, "confirm_ms": 1000, "quiet_ms": 2000},
        {"baud": 0, "confirm_ms": 1000, "quiet_ms": 2000},
        {"baud": 123_456, "confirm_ms": 1000, "quiet_ms": 2000},
        {"baud": 230_400, "confirm_ms": 60_000, "quiet_ms": 2000},
        {"baud": 230_400, "confirm_ms": 1000, "quiet_ms": 1},
        {"baud": 230_400, "confirm_ms": 1000, "quiet_ms": 0xFFFFFFFF},
    ],
)
def test_a_chip_refuses_a_speed_or_time_that_it_does_not_offer(chip: Chip, values: dict[str, int]) -> None:
    wired = chip("?fastest=115200")
    with d.connect(wired.target) as there:
        with pytest.raises(Exception, match="out of its range"):
            there.link.call("line_speed", "done", **values)
        assert there.facts().board == "posix" and wired.line.chip_speed == 115200


def test_an_agent_on_a_pipe_offers_no_speed(posix: object, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeq_host.boards import resolve
    from edgeq_host.targets import of_board

    monkeypatch.setenv("EDGEQ_AGENT", str(posix))
    monkeypatch.setenv("EDGEQ_STORE", str(tmp_path))
    with d.connect(of_board(resolve("local"))) as there:
        offered = there.link.call("line_speeds", "offered")
        assert (offered["present"], offered["speeds"]) == (115200, b"")
