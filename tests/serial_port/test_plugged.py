"""A kind of board finds its port by USB ids, and never guesses."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeq_host import deploy as d
from edgeq_host import inventory, settings
from edgeq_host.errors import BoardError, UsageError
from edgeq_host.serial_port import ports
from edgeq_host.serial_port.ports import Port
from edgeq_host.targets import Target, resolve
from tests.serial_port.conftest import Chip
from tests.serial_port.test_trouble import plugged

STLINK, MODEM = ("/dev/ttyACM0", 0x0483, 0x374B, "A1", "STM32 STLink"), ("/dev/ttyACM1", 0x12D1, 0x1506, "M", "Modem")
OTHER = ("/dev/ttyACM2", 0x0483, 0x374B, "B2", "STM32 STLink")
BOARD = """id = "{id}"
name = "A board"
{family}
usb = ["0483:374B"]
chip = "qemu_mps2_an386"
[evidence]
kind = "emulated"
date = "2026-11-29"
version = "0.1.0"
how = "a test"
"""
Boards = Callable[..., None]


@pytest.fixture
def boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Boards:
    """Makes board files that are known by the ids of STLINK."""
    monkeypatch.setenv("EDGEQ_BOARD_PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)

    def make(*ids: str, family: str = "") -> None:
        for name in ids:
            (tmp_path / f"{name}.toml").write_text(BOARD.format(id=name, family=f'family = "{family}"' if family else ""))

    return make


def add(name: str, address: str, board: str = "") -> None:
    inventory.add(settings.user_path(), [inventory.entry(name, address, board)])


def test_the_one_port_of_a_kind_is_used_and_named(boards: Boards, monkeypatch: pytest.MonkeyPatch) -> None:
    boards("own_nucleo")
    plugged(monkeypatch, STLINK, MODEM)
    (target,) = resolve(["own_nucleo"])
    assert target.address == "serial:usb:0483:374B:A1" and target.board is not None and target.board.id == "own_nucleo"
    assert target.name not in ["own_nucleo"] and "/dev/ttyACM0 (STM32 STLink, USB 0483:374B, number A1)" in target.remark


def test_several_ports_are_a_choice_with_lines_that_are_ready_to_run(boards: Boards, monkeypatch: pytest.MonkeyPatch) -> None:
    boards("own_nucleo")
    plugged(monkeypatch, STLINK, MODEM, OTHER)
    with pytest.raises(UsageError, match="2 devices may be a own_nucleo") as info:
        resolve(["own_nucleo"])
    assert info.value.hint.splitlines()[1:] == [
        "edgeq devices add NAME serial:usb:0483:374B:A1 --board own_nucleo",
        "edgeq devices add NAME serial:usb:0483:374B:B2 --board own_nucleo",
    ]


def test_a_modem_is_never_taken(boards: Boards, monkeypatch: pytest.MonkeyPatch) -> None:
    boards("own_nucleo")
    plugged(monkeypatch, MODEM)
    with pytest.raises(UsageError, match="no device of yours is a own_nucleo"):
        resolve(["own_nucleo"])


def test_a_named_device_and_a_port_that_nobody_named_are_a_choice(boards: Boards, monkeypatch: pytest.MonkeyPatch) -> None:
    boards("own_nucleo")
    plugged(monkeypatch, STLINK)
    add("desk", "serial:usb:0483:374b:A1", "own_nucleo")
    assert resolve(["own_nucleo"])[0].name == "desk"
    plugged(monkeypatch, STLINK, OTHER)
    with pytest.raises(UsageError, match="2 devices may be") as info:
        resolve(["own_nucleo"])
    assert "desk  serial:usb:0483:374b:A1  own_nucleo" in info.value.hint and ":B2 --board own_nucleo" in info.value.hint


@pytest.mark.parametrize("address", ["serial:/dev/ttyACM2", "serial:usb:0483:374B:B2"])
def test_a_port_that_is_another_device_s_is_not_meant(boards: Boards, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    boards("own_nucleo", "own_discovery")
    plugged(monkeypatch, STLINK, OTHER)
    add("shelf", address, "own_discovery")
    assert resolve(["own_nucleo"])[0].address == "serial:usb:0483:374B:A1"


def test_a_family_whose_boards_share_their_ids_leaves_the_kind_to_the_device(boards: Boards, monkeypatch: pytest.MonkeyPatch) -> None:
    boards("own_nucleo", "own_discovery", family="owns")
    plugged(monkeypatch, STLINK)
    (target,) = resolve(["owns"])
    assert target.address == "serial:usb:0483:374B:A1" and target.board is None


def test_firmware_of_another_board_is_refused_before_anything_is_sent(boards: Boards, chip: Chip) -> None:
    boards("own_nucleo", "posix")
    wired, kind = chip(hurried=True), __import__("edgeq_host.boards", fromlist=["resolve"]).resolve
    with pytest.raises(BoardError, match="desk is a posix, not a own_nucleo: nothing was sent") as info:
        d.status(Target("desk", wired.target.address, kind("own_nucleo")))
    assert "edgeq firmware flash --board own_nucleo" in info.value.hint
    assert d.status(Target("desk", wired.target.address, kind("posix"))).device.board == "posix"


@pytest.mark.parametrize(
    ("now", "found"),
    [
        ([Port("/dev/ttyACM5", "0483:374B", "A1", "1-2:1.2")], "/dev/ttyACM5"),
        ([Port("/dev/ttyACM5", "0483:374B", "A1", "3-1:1.2")], "/dev/ttyACM5"),
        ([Port("/dev/ttyACM5", "0483:374B", "A1", "3-1:1.2"), Port("/dev/ttyACM6", "0483:374B", "A1", "3-1:1.0")], "/dev/ttyACM5"),
        ([Port("/dev/ttyACM0", "0483:374B", "B2", "1-2:1.2")], ""),
        ([Port("/dev/ttyACM0", "12D1:1506", "A1", "1-2:1.2")], ""),
        ([], ""),
    ],
)
def test_after_another_enumeration_a_port_is_known_by_its_number(monkeypatch: pytest.MonkeyPatch, now: list[Port], found: str) -> None:
    monkeypatch.setattr(ports, "present", lambda: now)
    before = Port("/dev/ttyACM0", "0483:374B", "A1", "1-2:1.2")
    assert [port.path for port in ports.again(before)] == ([found] if found else [])


def test_a_port_without_a_number_is_known_by_its_socket_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Port("/dev/ttyUSB0", "1A86:7523", "", "1-2")
    monkeypatch.setattr(
        ports, "present", lambda: [Port("/dev/ttyUSB3", "1A86:7523", "", "1-2"), Port("/dev/ttyUSB0", "1A86:7523", "", "1-4")]
    )
    assert [port.path for port in ports.again(before)] == ["/dev/ttyUSB3"]
    monkeypatch.setattr(ports, "present", lambda: [Port("/dev/ttyUSB0", "1A86:7523", "", "1-4")])
    assert ports.again(before) == []


def test_a_port_that_comes_back_under_another_name_is_found_by_its_identity(chip: Chip, monkeypatch: pytest.MonkeyPatch) -> None:
    wired = chip(hurried=True)
    here = Port(str(wired.line.port), "0483:374B", "A1", "1-2")
    monkeypatch.setattr(ports, "present", lambda: [here] if os.path.lexists(here.path) else [])
    with d.connect(Target("desk", "serial:usb:0483:374B:A1")) as there:
        assert there.facts().board == "posix"
        wired.line.unplug()
        wired.line.port = wired.line.port.with_name("other")
        here = Port(str(wired.line.port), "0483:374B", "A1", "1-2")
        wired.line.plug()
        assert there.facts().board == "posix"
