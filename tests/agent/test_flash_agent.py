"""A microcontroller whose power goes in an operation of its flash, with the host at the other end of the line."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgeq_host import deploy as d
from edgeq_host.errors import EdgeqError
from edgeq_runtime import build
from tests.agent.conftest import Local, packed
from tests.store.flash import chips


@pytest.fixture
def device(local: Local, monkeypatch: pytest.MonkeyPatch) -> Local:
    monkeypatch.setenv("EDGEQ_AGENT", str(build.build("posix", build.config_for("posix", None, False))))
    return replace(local, target=replace(local.target, name="posix"))


def is_current(device: Local, data: bytes) -> bool:
    with d.connect(device.target) as there:
        return there.has("kws", hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("chip", chips())
def test_a_deploy_that_loses_power_leaves_the_old_model_and_its_repetition_completes(
    device: Local, monkeypatch: pytest.MonkeyPatch, chip: str
) -> None:
    monkeypatch.setenv("EDGEQ_FLASH", chip)
    d.deploy(device.target, device.file("kws", packed(1)))
    new = device.file("kws", packed(2))
    for cut in (1, 5, 12, 19):  # within erase, record and file on every one of them
        monkeypatch.setenv("EDGEQ_FLASH_CUT", str(cut))
        with pytest.raises(EdgeqError):
            d.deploy(device.target, new)
        monkeypatch.delenv("EDGEQ_FLASH_CUT")
        assert is_current(device, packed(1))
    assert d.deploy(device.target, new).version == 2 and is_current(device, packed(2))
    assert d.rollback(device.target, "kws").version == 1 and is_current(device, packed(1))
    d.remove(device.target, "kws")
    assert not is_current(device, packed(1))


@pytest.mark.slow
@pytest.mark.parametrize("chip", chips())
def test_through_the_whole_agent_a_power_cut_leaves_old_or_new_and_the_repetition_completes(
    device: Local, monkeypatch: pytest.MonkeyPatch, chip: str, record_property: Callable[[str, object], None]
) -> None:
    """In each operation that an update has, in a process of its own."""
    monkeypatch.setenv("EDGEQ_FLASH", chip)
    d.deploy(device.target, device.file("kws", packed(1)))
    flash, new, cuts = device.store / "flash", device.file("kws", packed(2)), 0
    before = flash.read_bytes()
    for number in itertools.count(1):
        flash.write_bytes(before)
        monkeypatch.setenv("EDGEQ_FLASH_CUT", str(number))
        if _deployed(device, new):
            break
        cuts += 1
        monkeypatch.delenv("EDGEQ_FLASH_CUT")
        assert is_current(device, packed(1)) or is_current(device, packed(2)), f"{chip}, power cut in operation {number}"
        assert _deployed(device, new) and is_current(device, packed(2)), f"{chip}, power cut in operation {number}"
    assert cuts > 40
    record_property("cuts tried", f"flash, {chip}, the whole agent: {cuts} cuts")


def _deployed(device: Local, file: Path) -> bool:
    try:
        d.deploy(device.target, file)
    except EdgeqError:
        return False
    return True


def _start(**environment: str) -> subprocess.CompletedProcess[str]:
    command = [build.build("posix", build.config_for("posix", None, False))]
    return subprocess.run(command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def test_the_port_names_the_chips_that_it_plays_and_refuses_a_flash_of_another(tmp_path: Path) -> None:
    said = _start(EDGEQ_STORE=str(tmp_path), EDGEQ_FLASH="z80")
    assert said.returncode == 2 and "z80" in said.stderr and all(chip in said.stderr for chip in chips())
    assert _start(EDGEQ_STORE=str(tmp_path), EDGEQ_FLASH="nrf52840").returncode == 0
    said = _start(EDGEQ_STORE=str(tmp_path), EDGEQ_FLASH="rp2040")
    assert said.returncode == 2 and "has to be one of rp2040" in said.stderr
    assert _start(EDGEQ_STORE="").returncode == 2
