"""A probed device as it is printed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from edgeq_host import boards
from edgeq_host.cli import probe_view
from edgeq_host.probe import parse
from tests.agent.conftest import Local


def test_the_view_shows_the_device_and_json_has_every_field(local: Local, capsys: pytest.CaptureFixture[str]) -> None:
    probe_view.show(local.target, False)
    shown = capsys.readouterr().out
    assert shown.startswith("local: local, This machine") and "kernels       portable" in shown and "free of" in shown
    probe_view.show(local.target, True)
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "edgeq.probe/1" and found["board"] == "local" and found["mismatches"] == [] and found["memory_bytes"] > 0


def test_a_device_of_another_kind_than_was_said_is_shown_to_differ(
    local: Local, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [("board.compatible", b"raspberrypi,5-model-b"), ("kernel.machine", b"aarch64"), ("clock.wall", b"1000")]
    rows += [("cpu.cores", b"4\t0x41\t0xd0b\t0\t2400000000\t1500000000\tperformance")]
    monkeypatch.setattr(probe_view, "probe", lambda target: parse(rows, ("portable",), 5000.0))
    probe_view.show(replace(local.target, board=boards.resolve("raspberrypi_4b")), False)
    shown = capsys.readouterr().out
    assert "differs: the device is raspberrypi,5-model-b; raspberrypi_4b is known by raspberrypi,4-model-b" in shown
    assert "differs: the device has 4 x Cortex-A76, the file says 4 x Cortex-A72" in shown
    assert "raspberrypi_4b, Raspberry Pi 4 Model B, as was said of it; it says itself that it is raspberrypi_5" in shown
    assert "4000 s behind" in shown and "4 x Cortex-A76, now 1.5 GHz, performance" in shown
    probe_view.show(replace(local.target, board=None), False)
    assert "raspberrypi_5, Raspberry Pi 5, as the device says itself" in capsys.readouterr().out


def test_on_a_jetson_it_says_that_the_cpu_is_used(
    local: Local, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_view, "probe", lambda target: parse([("board.compatible", b"nvidia,p3767-0005")]))
    probe_view.show(replace(local.target, board=None), False)
    assert "not on the GPU" in capsys.readouterr().out
