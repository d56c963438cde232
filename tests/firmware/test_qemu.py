"""The transport that starts an emulated chip: what is missing, wrong or in use is one clear error."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq_host import boards, programs
from edgeq_host.deploy import connect, status
from edgeq_host.errors import LinkError, UsageError
from edgeq_host.targets import of_board, resolve
from edgeq_host.transports import qemu
from edgeq_runtime import firmware
from tests.firmware.conftest import CHIPS, Chip


def test_every_machine_is_a_port_and_every_alias_one_of_them() -> None:
    assert set(qemu.MACHINES) == set(CHIPS.values()) <= set(firmware.ports())
    assert {boards.resolve(name).link for name in CHIPS} == {f"qemu:{port}" for port in qemu.MACHINES}
    assert {name: boards.resolve(name).link.partition(":")[2] for name in CHIPS} == CHIPS


@pytest.mark.parametrize("address", ["qemu:mps2_an3", "qemu:../mps2_an386", "qemu:mps2-an386", "qemu:mps2_an386,x", "qemu:"])
def test_an_address_that_names_no_machine_is_refused_with_those_that_are(address: str) -> None:
    with pytest.raises(UsageError) as info:
        resolve([address])
    assert "mps2_an386" in info.value.hint


def test_firmware_that_is_not_built_is_said_with_the_line_that_builds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "FIRMWARE", tmp_path)
    with pytest.raises(LinkError, match="the firmware mps2_an386 is not there") as info:
        status(of_board(boards.resolve("sim:cortex-m4")))
    assert "python -m edgeq_runtime.build firmware mps2_an386" in info.value.hint and "gcc-arm-none-eabi" in info.value.hint


def test_an_emulator_that_is_not_installed_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "FIRMWARE", tmp_path)
    (tmp_path / "mps2_an386").mkdir()
    (tmp_path / "mps2_an386" / "edgeq.elf").write_bytes(b"")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LinkError, match="cannot start qemu-system-arm: not found") as info:
        status(of_board(boards.resolve("sim:cortex-m4")))
    assert "apt-get install qemu-system-arm" in info.value.hint


def test_an_image_that_is_none_ends_with_what_the_emulator_says(chip: Chip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, folder = chip("sim:cortex-m4"), tmp_path / "firmware" / "mps2_an386"
    folder.mkdir(parents=True)
    (folder / "edgeq.elf").write_bytes(bytes(8 << 20))
    monkeypatch.setattr(programs, "FIRMWARE", tmp_path / "firmware")
    with pytest.raises(LinkError, match=r"the emulator ended: .*edgeq\.elf"):
        status(target)


def test_a_flash_that_cannot_be_made_is_said(chip: Chip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = chip("sim:cortex-m4")
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("EDGEQ_STORE", str(tmp_path / "file" / "store"))
    with pytest.raises(LinkError, match="the flash of the emulated chip") as info:
        status(target)
    assert info.value.hint


def test_one_program_at_a_time_has_the_chip(chip: Chip) -> None:
    target = chip("sim:cortex-m4")
    with connect(target) as first:
        with pytest.raises(LinkError, match="another program uses the emulated chip"), connect(target):
            pass
        assert first.facts().machine == "Cortex-M4, emulated"
    with connect(target) as again:
        assert again.facts().machine == "Cortex-M4, emulated"
