"""What is wrong with a port is one clear error that says what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from serial.tools import list_ports

from edgeq_host import deploy as d
from edgeq_host.errors import EdgeqError, LinkError, UsageError
from edgeq_host.serial_port import ports, trouble
from edgeq_host.serial_port.ports import Port
from edgeq_host.targets import Target
from edgeq_host.transports import open_transport
from tests.serial_port.conftest import Chip

NOBODY = 65534
# Opens a port as an ordinary user of the groups that are given, and prints the error.
AS_NOBODY = """
import os, sys
from edgeq_host.errors import EdgeqError
from edgeq_host.transports import open_transport
import edgeq_host.serial_port.line, edgeq_host.serial_port.trouble, edgeq_host.transports.serial, serial.tools.list_ports
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    open_transport(sys.argv[1])
except EdgeqError as error:
    print(error.kind, error.message, error.hint, sep="\\n")
"""


@pytest.fixture
def pseudo() -> Iterator[str]:
    """A port behind which nobody answers."""
    master, slave = os.openpty()
    tty.setraw(slave)
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


def refused(address: str) -> EdgeqError:
    with pytest.raises(EdgeqError) as info:
        open_transport(address)
    return info.value


def plugged(monkeypatch: pytest.MonkeyPatch, *found: tuple[str, int, int, str, str]) -> None:
    """The machine has these ports: device, vendor, product, serial number, product's name."""
    names = ("device", "vid", "pid", "serial_number", "product")
    there = [SimpleNamespace(**dict(zip(names, row, strict=True)), location="1-2") for row in found]
    monkeypatch.setattr(list_ports, "comports", lambda: there)


def test_a_port_that_is_not_there_is_answered_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    plugged(monkeypatch, ("/dev/ttyACM1", 0x0483, 0x374B, "066A", "STM32 STLink"), ("/dev/ttyACM0", 0x12D1, 0x1506, "", "Modem"))
    error = refused("serial:///dev/ttyACM7")
    assert isinstance(error, LinkError) and (error.code, error.kind) == (4, "port_missing")
    assert error.message == "/dev/ttyACM7 is not there"
    assert error.hint.startswith(
        "the ports of this machine: /dev/ttyACM0 (Modem, USB 12D1:1506); /dev/ttyACM1 (STM32 STLink, USB 0483:374B"
    )


def test_a_machine_without_ports_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    plugged(monkeypatch)
    assert "no serial port" in refused("serial:/dev/ttyACM7").hint
    error = refused("serial:usb:0483:374b:77")
    assert error.code == 4 and error.message == "there is no port of USB 0483:374B with the number 77"


def test_under_wsl_it_is_said_how_windows_gives_a_device_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sys/kernel").mkdir(parents=True)
    (tmp_path / "sys/kernel/osrelease").write_text("5.15.90.1-microsoft-standard-WSL2\n")
    monkeypatch.setattr(trouble, "PROC", tmp_path)
    assert "usbipd attach" in refused("serial:COM5").hint and "usbipd attach" in refused("serial:/dev/ttyACM7").hint


def test_two_ports_of_one_identity_are_a_choice_with_lines_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    plugged(monkeypatch, ("/dev/ttyACM0", 0x0483, 0x374B, "A1", "x"), ("/dev/ttyACM1", 0x0483, 0x374B, "B2", "x"))
    error = refused("serial:usb:0483:374b")
    assert isinstance(error, UsageError) and error.message == "2 ports are USB 0483:374B"
    assert error.hint.splitlines()[1:] == [
        "edgeq devices add NAME serial:usb:0483:374B:A1",
        "edgeq devices add NAME serial:usb:0483:374B:B2",
    ]


@pytest.mark.parametrize("path", ["/dev/null", "/etc/passwd", "/tmp"])
def test_what_is_no_serial_port_is_not_used(path: str) -> None:
    before = Path(path).stat().st_mtime
    error = refused(f"serial:{path}")
    assert error.code == 4 and path in error.message and error.hint and Path(path).stat().st_mtime == before


def test_one_program_at_a_time_has_a_port_and_the_error_says_who(pseudo: str) -> None:
    script = "import sys, serial; port = serial.Serial(sys.argv[1], exclusive=True); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, pseudo]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "open\n"
        error = refused(f"serial:{pseudo}")
        assert isinstance(error, LinkError) and (error.code, error.kind) == (4, "port_busy")
        assert f"(process {other.pid})" in error.message and "in use by python" in error.message
        other.communicate()
    open_transport(f"serial:{pseudo}").close()


def test_the_second_session_on_a_port_is_refused_and_the_first_goes_on(chip: Chip) -> None:
    wired = chip(hurried=True)
    with d.connect(wired.target) as first:
        assert refused(wired.target.address).message.endswith("is in use by another program")
        assert first.facts().board == "posix"
    assert d.status(wired.target).device.board == "posix"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    ("group", "mode", "said"), [("dialout", 0o660, "sudo usermod -aG dialout nobody"), ("root", 0o600, "no group opens it")]
)
def test_a_port_that_may_not_be_opened_says_which_group_or_rule_opens_it(pseudo: str, group: str, mode: int, said: str) -> None:
    shutil.chown(pseudo, "root", group)
    os.chmod(pseudo, mode)
    done = subprocess.run([sys.executable, "-c", AS_NOBODY, f"serial:{pseudo}"], capture_output=True, text=True, timeout=60)
    kind, message, *hint = done.stdout.splitlines()
    assert (kind, message) == ("port_denied", f"{pseudo} may not be opened by nobody"), done.stderr
    assert said in hint[0]
    if group == "root":
        assert trouble.RULES in hint[0] and hint[1].startswith('SUBSYSTEM=="tty", KERNEL==') and 'TAG+="uaccess"' in hint[1]


def test_the_rule_of_a_usb_port_names_its_ids_and_keeps_modem_manager_away(pseudo: str) -> None:
    os.chmod(pseudo, 0o600)
    error = trouble.closed(Port(pseudo, "0483:374B"), PermissionError(13, "Permission denied"))
    rule = error.hint.splitlines()[-1]
    assert rule == 'SUBSYSTEM=="tty", ATTRS{idVendor}=="0483", ATTRS{idProduct}=="374b", TAG+="uaccess", ENV{ID_MM_PORT_IGNORE}="1"'


def process(root: Path, pid: int, name: str, *files: str) -> None:
    """As /proc shows it."""
    folder = root / str(pid) / "fd"
    folder.mkdir(parents=True)
    (root / str(pid) / "comm").write_text(f"{name}\n")
    for number, file in enumerate(files):
        (folder / str(number)).symlink_to(file)


def test_modem_manager_is_named_where_it_has_the_port(pseudo: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    process(tmp_path, 10, "bash", "/dev/null", pseudo + "0000")
    process(tmp_path, 77, "ModemManager", "/dev/null", pseudo)
    monkeypatch.setattr(trouble, "PROC", tmp_path)
    assert list(trouble.holders(pseudo)) == [("ModemManager", 77)]
    error = trouble.closed(Port(pseudo, "0483:374B"), OSError(16, "Device or resource busy"))
    assert error.message == f"{pseudo} is in use by ModemManager (process 77)" and "ID_MM_PORT_IGNORE" in error.hint


@pytest.mark.parametrize(
    ("said", "runs", "probes"),
    [
        ("E:ID_MM_CANDIDATE=1\n", True, True),
        ("E:ID_MM_CANDIDATE=1\n", False, False),
        ("E:ID_MM_CANDIDATE=1\nE:ID_MM_PORT_IGNORE=1\n", True, False),
        ("E:ID_MM_CANDIDATE=1\nE:ID_MM_DEVICE_IGNORE=1\n", True, False),
        ("", True, False),
    ],
)
def test_modem_manager_is_named_where_it_takes_the_port_for_a_modem_s(
    pseudo: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, runs: bool, probes: bool
) -> None:
    device = os.stat(pseudo).st_rdev
    (tmp_path / f"c{os.major(device)}:{os.minor(device)}").write_text(said)
    process(tmp_path / "proc", 5, "ModemManager" if runs else "bash")
    monkeypatch.setattr(trouble, "PROC", tmp_path / "proc")
    monkeypatch.setattr(trouble, "UDEV", tmp_path)
    assert trouble.modem_manager(pseudo) is probes
    assert ("ModemManager" in trouble.unanswered(trouble.Address(pseudo), "")) is probes


def test_a_board_that_does_not_answer_gets_the_line_to_type(pseudo: str) -> None:
    from edgeq_host.boards import resolve

    began = time.monotonic()
    with pytest.raises(LinkError, match="no answer") as info:
        d.status(Target("desk", f"serial:{pseudo}", resolve("sim:cortex-m4")), quiet_s=1)
    assert info.value.kind == "no_answer" and time.monotonic() - began < 3
    assert "edgeq firmware flash --board qemu_mps2_an386" in info.value.hint and "cable" in info.value.hint and pseudo in info.value.hint
    with pytest.raises(LinkError) as info:
        d.status(Target("desk", f"serial:{pseudo}"), quiet_s=1)
    assert "edgeq firmware flash --board BOARD" in info.value.hint


def test_a_socket_that_nobody_listens_on_is_named() -> None:
    error = refused("socket://127.0.0.1:9")
    assert isinstance(error, LinkError) and error.kind == "unreachable" and "socket://127.0.0.1:9" in error.message


def test_the_ports_of_this_very_machine_can_be_listed() -> None:
    assert all(port.path for port in ports.present())
