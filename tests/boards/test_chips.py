"""Memories of microcontrollers: chip files that do not fit together are errors, and the tests' flash has the geometry of the files."""

from __future__ import annotations

import re
from dataclasses import astuple
from pathlib import Path

import pytest

from edgeq_host import boards
from edgeq_host.board_file import examine
from edgeq_host.boards import Board, read_board
from edgeq_host.chip_memory import store_sectors
from tests.store.flash import Chip, chips

GOOD = (boards.SHIPPED / "chips" / "stm32l4r5zi.toml").read_text()
MICROCONTROLLERS = [board for path in sorted(boards.SHIPPED.glob("*.toml")) if (board := read_board(path)).banks]
WITH_STORE = [board for board in MICROCONTROLLERS if board.flash and board.flash.store]


def begin(board: Board) -> int:
    return min(bank.address for bank in board.banks if bank.kind == "flash")


@pytest.mark.parametrize("name", chips())
def test_the_flash_that_loses_power_in_the_tests_is_that_of_a_board(name: str) -> None:
    """One by one: sectors of the store, areas of records, word, and how often a word may be programmed."""
    flash = Chip(name).flash
    sectors = flash.flash.sectors
    runs = []
    while sectors[2 * len(runs)]:
        runs.append((sectors[2 * len(runs)], sectors[2 * len(runs) + 1]))
    [board] = [board for board in WITH_STORE if board.chip.id == name]
    assert board.flash and board.flash.store
    assert [astuple(run) for run in store_sectors(board.flash, begin(board))] == runs
    assert (flash.flash.records, flash.flash.word, flash.writes) == (
        board.flash.store.records_bytes,
        board.flash.word_bytes,
        board.flash.word_writes,
    )
    assert flash.flash.write_once == (board.flash.word_writes == 1) and flash.size == board.flash.store.bytes


@pytest.mark.parametrize("board", WITH_STORE, ids=lambda board: board.id)
def test_the_store_is_all_of_its_sectors_and_code_has_room_beside_it(board: Board) -> None:
    assert board.flash and board.flash.store
    found = store_sectors(board.flash, begin(board))
    assert sum(run.count * run.bytes for run in found) == board.flash.store.bytes
    store = board.flash.store
    holds = [
        b for b in board.banks if "execute" in b.attributes and not (store.address <= b.address and b.end <= store.address + store.bytes)
    ]
    assert holds


def test_where_infer_goes_on_during_an_upload_the_store_has_a_bank_of_its_own() -> None:
    for board in WITH_STORE:
        assert board.flash and board.flash.store
        own = [b for b in board.banks if (b.address, b.bytes) == (board.flash.store.address, board.flash.store.bytes)]
        assert bool(own) == board.flash.read_while_write, board.id


def test_a_boards_memory_comes_from_its_chip_and_from_outside() -> None:
    pico = boards.resolve("raspberrypi_pico")
    assert [bank.name for bank in pico.banks] == ["sram0-3", "sram4", "sram5", "flash"] and pico.chip.flash is None
    nucleo = boards.resolve("st_nucleo_l4r5zi")
    assert nucleo.flash == nucleo.chip.flash and sum(b.bytes for b in nucleo.banks if b.kind == "ram") == 640 << 10


def test_every_microcontroller_names_its_sources() -> None:
    files = [path for path in boards.SHIPPED.rglob("*.toml") if "bytes = " in path.read_text() and "banks" in path.read_text()]
    assert len(files) == 16 and all(re.match(r"# Sources?: ", path.read_text()) for path in files)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('kind = "ram", address = 0x2000_0000', 'kind = "rom", address = 0x2000_0000', "bank 'sram1' is of kind 'rom'"),
        ('["execute", "dma"]', '["execute", "fast"]', "bank 'flash1' has the attribute 'fast'"),
        ("0x2003_0000", "0x2002_0000", "the banks 'sram1' and 'sram2' overlap"),
        ("bytes = 65_536", "bytes = 0", "bank 'sram2' lies at 0x20030000 with 0 bytes"),
        ("0x2004_0000", "0xFFFF_0000", "bank 'sram3' lies at 0xffff0000"),
        ('"sram2"', '"sram1"', "two banks have one name"),
        ("word_bytes = 8", "word_bytes = 12", "flash.word_bytes is 12"),
        ("word_bytes = 8", "word_bytes = 512", "flash.word_bytes is 512"),
        ("word_writes = 1", "word_writes = -1", "flash.word_writes is -1"),
        ("count = 512", "count = 511", "flash.sectors has 2093056 bytes, the flash banks 2097152"),
        ("0x0810_0000, bytes = 1_048_576, att", "0x0820_0000, bytes = 1_048_576, att", "the flash banks"),
        ("count = 512, bytes = 4_096", "count = 0, bytes = 4_096", "flash.sectors is"),
        ("count = 512, bytes = 4_096", "count = 512, bytes = 4_097", "flash.sectors is"),
        ("count = 512, bytes = 4_096", "count = 9_000_000_000_000_000_000, bytes = 8", "flash.sectors has"),
        ("records_bytes = 8_192", "records_bytes = 6_000", "flash.store is"),
        ("records_bytes = 8_192", "records_bytes = 0", "flash.store is"),
        ("records_bytes = 8_192", "records_bytes = 524_288", "all of them for records"),
        ("store = { address = 0x0810_0000", "store = { address = 0x0810_0004", "flash.store is"),
        ("store = { address = 0x0810_0000", "store = { address = 0x0900_0000", "flash.store is"),
        ("store = { address", "stor = { address", "did you mean store?"),
        ("read_while_write = true", "read_while_write = 1", "flash.read_while_write is 1"),
        ("bytes = 65_536", 'bytes = "64K"', "banks.bytes is '64K'"),
    ],
)
def test_memory_that_does_not_fit_together_is_an_error_that_names_it(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "chips" / "stm32l4r5zi.toml"
    path.parent.mkdir()
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1))
    found = examine(path, chip=True)
    assert found and (said in found[0].text or said in found[0].hint), found
    assert all(problem.hint for problem in found)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('usb = ["0483:374b"]', "usb holds '0483:374b'"),
        ('usb = ["374B"]', "usb holds '374B'"),
        ('firmware = "../evil"', "firmware '../evil'"),
        ('flash_tool = { drives = ["X"] }', "go with image"),
        ('flash_tool = { drives = ["X"], image = "exe" }', "go with image"),
        ('flash_tool = { image = "bin" }', "go with image"),
    ],
)
def test_what_brings_firmware_to_a_board_is_checked(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "acme_board.toml"
    text = (boards.SHIPPED / "nordic_nrf52840dk.toml").read_text().replace("nordic_nrf52840dk", "acme_board").partition("[flash_tool]")
    path.write_text(re.sub(r"usb = .*\n", "", text[0]) + line + "\n[evidence]" + text[2].partition("[evidence]")[2])
    found = examine(path)
    assert found and (said in found[0].text or said in found[0].hint), found
