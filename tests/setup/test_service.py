"""devices setup --service: a real systemd of the user keeps a program running, and the same command takes it away again."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.ssh.server import wait_until
from edgeq_host.errors import BoardError, UsageError
from edgeq_host.setup import device_program, service
from tests.setup.conftest import Device

SYSTEMD = Path("/lib/systemd/systemd")
NOT_YET = (b"", b"offline", b"unknown", b"initializing")  # of is-system-running; nothing where it finds no bus yet
BOOTED = Path("/run/systemd/system")  # where it is, systemd believes that it has booted this machine


@pytest.fixture
def manager(device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    """With a systemd of the user that runs."""
    if not SYSTEMD.exists():
        pytest.skip("systemd is not installed")
    if not BOOTED.exists() and os.getuid() != 0:
        pytest.skip("this machine was not booted by systemd")
    made = not BOOTED.exists()
    BOOTED.mkdir(parents=True, exist_ok=True)
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    systemd = subprocess.Popen([SYSTEMD, "--user"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        words = ["systemctl", "--user", "is-system-running"]
        wait_until(lambda: subprocess.run(words, capture_output=True).stdout.strip() not in NOT_YET, "systemd runs")
        yield device
    finally:
        systemd.terminate()
        systemd.wait(20)
        if made:
            shutil.rmtree(BOOTED, ignore_errors=True)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def unit(device: Device) -> Path:
    return device.home / ".config/systemd/user/edgeq-camera.service"


@pytest.mark.slow
def test_a_program_is_kept_running_replaced_and_taken_away(manager: Device) -> None:
    log = manager.home / "log"
    program = f"/bin/sh -c 'echo one 100% $PATH >> {log}; exec sleep 0.2'"
    done = service.start(manager.target, "camera", program)
    assert (done.unit, done.changed) == ("edgeq-camera.service", True)
    wait_until(lambda: len(lines(log)) >= 2, "it is started again when it ends")
    assert lines(log)[0].startswith("one 100% /")
    assert not service.start(manager.target, "camera", program).changed
    assert service.start(manager.target, "camera", f"/bin/sh -c 'echo two >> {log}; exec sleep 1000'").changed
    wait_until(lambda: lines(log)[-1:] == ["two"], "the new one runs")
    removed = service.stop(manager.target, "camera")
    assert removed.changed and not unit(manager).exists() and not list(unit(manager).parent.rglob("edgeq-*"))
    shown = subprocess.run(["systemctl", "--user", "is-active", "edgeq-camera.service"], capture_output=True, text=True)
    assert shown.stdout.strip() != "active"
    assert not service.stop(manager.target, "camera").changed


@pytest.mark.slow
def test_a_program_that_systemd_does_not_take_leaves_the_one_that_ran(manager: Device) -> None:
    log = manager.home / "log"
    with pytest.raises(BoardError, match=r"systemctl|edgeq-camera"):
        service.start(manager.target, "camera", "relative/program 'with an open quote")
    assert not unit(manager).exists()
    service.start(manager.target, "camera", f"/bin/sh -c 'echo one >> {log}; exec sleep 1000'")
    before = unit(manager).read_bytes()
    with pytest.raises(BoardError):
        service.start(manager.target, "camera", "relative/program 'with an open quote")
    assert unit(manager).read_bytes() == before


def test_a_device_without_systemd_is_told_and_keeps_nothing(device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("sh", "python3"):
        (tmp_path / "bin" / name).symlink_to(device.python if name == "python3" else "/bin/sh")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(BoardError, match="systemctl cannot be run") as info:
        service.start(device.target, "camera", "/bin/true")
    assert "systemd" in info.value.hint and not unit(device).exists()


def test_a_unit_that_comes_back_is_whole_at_every_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not written where it lies: what has it open goes on reading what it was."""
    monkeypatch.setattr(device_program, "systemctl", lambda *words: "")
    path = tmp_path / "edgeq-camera.service"
    path.write_bytes(b"the new one")
    with path.open("rb") as file:
        device_program.restore(str(path), b"before", path.name)
        assert path.read_bytes() == b"before" and file.read() == b"the new one"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    device_program.restore(str(path), None, path.name)
    assert not path.exists()


@pytest.mark.parametrize("name", ["", "../x", "A", "a b", "x" * 42, "a\n"])
def test_what_is_no_name_of_a_service_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is no name"):
        service.unit_name(name)


@pytest.mark.parametrize("command", ["", " ", "a\nb", "a\0"])
def test_what_is_no_command_is_refused(command: str) -> None:
    with pytest.raises(UsageError, match="is empty or not one line"):
        service.unit_text("camera", command)
