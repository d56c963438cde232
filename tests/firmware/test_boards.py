"""The firmware of real boards: it links, fits into its chip, lies where that looks for it, and has the flash of the chip file."""

from __future__ import annotations

import re
import struct
import subprocess
from dataclasses import astuple
from functools import cache
from pathlib import Path

import pytest

from edgeq_host.boards import all_boards
from edgeq_host.chip_memory import Bank, store_sectors
from edgeq_runtime import build, firmware, rp2040
from tests.firmware import sizes_page
from tests.firmware.test_image import FORBIDDEN, _symbols

pytestmark = pytest.mark.slow
BOARDS = {board.firmware: board for board in all_boards() if board.firmware}
REAL = [name for name in firmware.ports() if not BOARDS[name].id.startswith("qemu_")]
REGION = re.compile(r"^ +(\w+) \(\w+\) : ORIGIN = (\w+), LENGTH = (\d+)([KM]?)(?: - (\d+))?$", re.M)
UNIT = {"": 1, "K": 1 << 10, "M": 1 << 20}


def regions(port: str) -> dict[str, tuple[int, int]]:
    """Begin and end of the memory that the linker gives out."""
    text = (firmware.FOLDER / "ports" / port / "memory.ld").read_text()
    found = {}
    for name, begin, length, unit, less in REGION.findall(text):
        found[name] = (int(begin, 0), int(begin, 0) + int(length) * UNIT[unit] - int(less or 0))
    return found


@cache
def image(port: str) -> Path:
    return build.image(port)


def inside(begin: int, end: int, banks: tuple[Bank, ...]) -> bool:
    """Whether banks that touch each other cover it."""
    at = begin
    for bank in sorted(banks, key=lambda bank: bank.address):
        if bank.address <= at < bank.end:
            at = bank.end
    return at >= end


def test_every_port_is_for_one_board_and_says_its_id() -> None:
    assert set(BOARDS) == set(firmware.ports())
    for port, board in BOARDS.items():
        assert f'EQ_BOARD_ID               "{board.id}"' in (firmware.FOLDER / "ports" / port / "board.h").read_text()


@pytest.mark.parametrize("port", firmware.ports())
def test_code_and_ram_of_a_port_lie_in_the_banks_of_its_chip_and_not_in_the_store(port: str) -> None:
    board = BOARDS[port]
    assert board.flash and board.flash.store
    found = regions(port)
    store = board.flash.store
    assert inside(*found["RAM"], tuple(bank for bank in board.banks if bank.kind == "ram"))
    for name in found.keys() - {"RAM"}:
        begin, end = found[name]
        assert inside(begin, end, tuple(bank for bank in board.banks if "execute" in bank.attributes))
        assert end <= store.address or begin >= store.address + store.bytes


@pytest.mark.parametrize("port", firmware.ports())
def test_the_flash_that_the_firmware_has_is_that_of_the_chip_file(port: str, tools: None) -> None:
    """struct eq_flash in the image, and the sectors that it points to."""
    board, binary, elf = BOARDS[port], image(port).with_suffix(".bin").read_bytes(), image(port)
    assert board.flash and board.flash.store
    symbols, begin = _symbols(elf), min(low for name, (low, _) in regions(port).items() if name != "RAM")
    at = symbols["eq_board_flash"] - begin
    _, base, sectors, records, word, once = struct.unpack_from("<6I", binary, at)
    runs = [struct.unpack_from("<2I", binary, sectors - begin + 8 * n) for n in range(2)]
    assert runs.pop() == (0, 0)
    flash = min(bank.address for bank in board.banks if bank.kind == "flash")
    assert runs == [astuple(run) for run in store_sectors(board.flash, flash)]
    assert (base, records, word) == (board.flash.store.address, board.flash.store.records_bytes, board.flash.word_bytes)
    assert once == (board.flash.word_writes == 1)


@pytest.mark.parametrize("port", REAL)
def test_a_real_boards_image_begins_with_its_vectors_and_has_no_heap_and_no_stdio(port: str, tools: None) -> None:
    elf = image(port)
    symbols, found = _symbols(elf), regions(port)
    assert [name for name in _symbols(elf, "--extern-only") if FORBIDDEN.fullmatch(name)] == []
    assert symbols["vectors"] == found["FLASH"][0] and symbols["eq_stack_bottom"] == found["RAM"][0]
    data = elf.with_suffix(".bin").read_bytes()[symbols["vectors"] - min(low for low, _ in found.values()) :]
    stack, reset = struct.unpack_from("<2I", data)
    assert stack == symbols["eq_handler_stack_top"] and reset == symbols["eq_reset"] | 1


def test_the_pico_starts_a_second_stage_with_its_checksum(tools: None) -> None:
    binary = image("raspberrypi_pico").with_suffix(".bin").read_bytes()
    assert rp2040.crc(b"123456789") == 0x0376E6E7  # CRC-32/MPEG-2
    assert struct.unpack_from("<I", binary, rp2040.SECOND_STAGE)[0] == rp2040.crc(binary[: rp2040.SECOND_STAGE]) != 0
    assert regions("raspberrypi_pico")["BOOT2"][0] == rp2040.BEGIN


@pytest.mark.parametrize("section", [".data", ".boot2"])
def test_nothing_of_the_pico_reaches_into_the_flash_while_it_cannot_be_read(section: str, tools: None) -> None:
    """The code in the RAM, and the second stage, call nothing by address, and their constants lie behind them."""
    command = ["arm-none-eabi-objdump", "-D", "-M", "force-thumb", "-j", section, str(image("raspberrypi_pico"))]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = [(int(line[:8], 16), line) for line in listed.splitlines() if re.match(r"[0-9a-f]{8}:", line)]
    constants = [int(found[1], 16) for _, line in lines if (found := re.search(r"\tldr\tr\d, \[pc, #\d+\]\s+@ \(([0-9a-f]+)", line))]
    begin, end = lines[0][0], constants[0]  # of the code: its first constant is the nearest
    code = [line for address, line in lines if address < end]
    assert 20 < len(code) < 100 and not [line for line in code if re.search(r"\tblx?\t[0-9a-f]", line)]
    assert begin < end < begin + 252 and ("\tblx\tr" in "".join(code)) is (section == ".data")


def test_the_picos_usb_drive_gets_blocks_that_hold_the_image(tools: None) -> None:
    elf = image("raspberrypi_pico")
    data, binary = elf.with_suffix(".uf2").read_bytes(), elf.with_suffix(".bin").read_bytes()
    blocks = [data[at : at + 512] for at in range(0, len(data), 512)]
    assert len(data) % 512 == 0 and len(blocks) == -(-len(binary) // 256)
    for n, block in enumerate(blocks):
        first, second, flags, address, size, number, count, family = struct.unpack_from("<8I", block)
        assert (first, second, struct.unpack_from("<I", block, 508)[0]) == (0x0A324655, 0x9E5D5157, 0x0AB16F30)
        assert (flags, size, number, count, family) == (0x2000, 256, n, len(blocks), 0xE48BFF56) and address == 0x10000000 + 256 * n
    assert b"".join(block[32:288] for block in blocks)[: len(binary)] == binary


@pytest.mark.parametrize("port", firmware.ports())
def test_the_page_says_what_an_image_takes(port: str, tools: None) -> None:
    """Within 3 %: other compilers differ, and so does each change; RAM and stack within 64 bytes."""
    said, is_ = sizes_page.shown()[port], sizes_page.built(port)
    assert abs(said[0] - is_[0]) < 0.03 * is_[0] and all(abs(a - b) <= 64 for a, b in zip(said[1:], is_[1:], strict=True)), is_
