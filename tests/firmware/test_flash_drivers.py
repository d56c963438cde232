"""The flash drivers of real boards, compiled for this machine against models of their chips: the store works on them, every step is one
that the manual allows, and a change that does not come out is said."""

from __future__ import annotations

import ctypes
import random
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from edgeq_runtime import build, firmware
from tests.store.binding import Ops, Refused, Store
from tests.store.flash import Geometry, library

MODEL = Path(__file__).with_name("model")
SECTOR = 4096
FLASH = {"stm32l4": 0x60100000, "rp2040": 0x61100000}  # where it is on this machine, by the chip's family


@cache
def _compiled(family: str) -> Path:
    output = build.BUILD / "flash-models" / f"{family}.so"
    output.parent.mkdir(parents=True, exist_ok=True)
    sources = [firmware.FOLDER / family / "flash.c", MODEL / "common.c", MODEL / f"{family}.c"]
    places = [MODEL, firmware.FOLDER / family, firmware.FOLDER / "cortexm", build.CSRC]
    command = [
        "cc",
        "-std=c11",
        "-D_GNU_SOURCE",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-O1",
        "-fPIC",
        "-shared",
        f"-DEQ_BOARD_FLASH={FLASH[family]:#x}u",
        *(f"-I{place}" for place in places),
    ]
    fresh = output.with_suffix(".new")
    subprocess.run([*command, *map(str, sources), "-o", str(fresh)], check=True)
    fresh.replace(output)
    return output


class Driver:
    """A driver, its chip as it leaves the factory, and the store on it."""

    def __init__(self, family: str) -> None:
        if shutil.which("cc") is None:
            pytest.skip("cc is not installed")
        self.lib = ctypes.CDLL(str(_compiled(family)))
        assert self.lib.eq_model_reset(), "the address of the modelled flash is taken"
        self.flash = Geometry.in_dll(self.lib, "eq_board_flash")
        self._memory = ctypes.create_string_buffer(4096)
        self.change = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_char_p, ctypes.c_uint32)(self.flash.program)
        self.clear = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32)(self.flash.erase)

    def store(self) -> Store:
        library().eq_flash_store_init(self._memory, ctypes.byref(self.flash))
        return Store(Ops.from_buffer(self._memory), library())

    def count(self, name: str) -> int:
        return ctypes.c_uint32.in_dll(self.lib, f"eq_model_{name}").value

    def fail_next(self) -> None:
        ctypes.c_uint32.in_dll(self.lib, "eq_model_fails").value = 1

    def set_register(self, index: int, value: int) -> None:
        ctypes.c_uint32.from_address(ctypes.addressof(ctypes.c_uint32.in_dll(self.lib, "eq_model_registers")) + 4 * index).value = value

    def check(self) -> None:
        said = (ctypes.c_char * 128).in_dll(self.lib, "eq_model_violation").value.decode()
        assert not said and self.lib.eq_model_at_rest()


@pytest.fixture(params=FLASH)
def driver(request: pytest.FixtureRequest) -> Driver:
    return Driver(request.param)


def test_models_are_installed_updated_and_rolled_back_on_the_driver(driver: Driver) -> None:
    old, new = (random.Random(seed).randbytes(60_000 + seed) for seed in range(2))
    store = driver.store()
    assert store.deploy("kws", old) == 1 and store.deploy("kws", new) == 2 and store.open("kws") == new
    driver.check()
    store.rollback("kws")
    assert driver.store().open("kws") == old  # as after a start
    assert driver.count("erases") >= 30 and driver.count("words") >= 120_000 // driver.flash.word
    driver.check()


def test_what_is_no_sector_or_word_of_the_store_is_refused_and_changes_nothing(driver: Driver) -> None:
    word, size = driver.flash.word, 256 * SECTOR
    assert all(driver.clear(None, offset, count) for offset, count in [(1, SECTOR), (0, 2 * SECTOR), (size, SECTOR), (SECTOR // 2, SECTOR)])
    data = bytes(2 * word)
    assert all(
        driver.change(None, offset, data, count) for offset, count in [(1, word), (0, word - 1), (size, word), (size - word, 2 * word)]
    )
    assert driver.count("erases") == driver.count("words") == 0
    driver.check()


def test_the_last_sector_and_the_last_word_are_the_stores(driver: Driver) -> None:
    word, size = driver.flash.word, 256 * SECTOR
    assert (
        driver.clear(None, size - SECTOR, SECTOR) == 0
        and driver.change(None, size - word, bytes(range(word % 256)) + bytes(word), word) == 0
    )
    assert ctypes.string_at(driver.flash.base + size - word, word) == (bytes(range(word % 256)) + bytes(word))[:word]
    driver.check()


def test_an_error_of_the_controller_is_a_fault_and_the_next_change_comes_out() -> None:
    driver = Driver("stm32l4")
    driver.fail_next()
    assert driver.clear(None, 0, SECTOR) != 0
    driver.fail_next()
    assert driver.change(None, 0, bytes(16), 16) != 0 and driver.count("words") == 0
    assert driver.clear(None, 0, SECTOR) == 0 and driver.change(None, 0, bytes(16), 16) == 0
    driver.fail_next()
    with pytest.raises(Refused, match="io"):
        driver.store().deploy("kws", random.Random(5).randbytes(9000))
    assert driver.store().deploy("kws", random.Random(5).randbytes(9000)) == 1
    driver.check()


def test_a_chip_with_one_bank_is_not_written_to() -> None:
    driver = Driver("stm32l4")
    driver.set_register(8, 0)  # OPTR
    assert driver.clear(None, 0, SECTOR) != 0 and driver.change(None, 0, bytes(8), 8) != 0
    assert driver.count("erases") == driver.count("words") == 0
    driver.check()


def test_an_nmi_of_a_torn_word_is_passed_over_and_any_other_is_not() -> None:
    driver = Driver("stm32l4")
    assert driver.lib.eq_board_nmi() == 0
    driver.set_register(6, 1 << 31 | 0x1234)  # ECCR: ECCD, and where
    assert driver.lib.eq_board_nmi() == 1
    driver.lib.eq_model_settle()
    assert driver.lib.eq_board_nmi() == 0
    driver.check()
