"""Where on flash files go, what makes way for them, and what is left of an upload that was cut."""

from __future__ import annotations

import ctypes
import hashlib
import random
from collections.abc import Callable

import pytest

from tests.store.binding import FAULT, Model, Refused, Store, Upload, check
from tests.store.flash import Chip, chips

A, B, C, D = (random.Random(seed).randbytes(3000 + seed) for seed in range(4))
SMALL_SECTORS = ["stm32l4r5zi", "nrf52840", "rp2040", "stm32u585ai"]


@pytest.fixture(params=chips())
def chip(request: pytest.FixtureRequest) -> Chip:
    return Chip(request.param)


def room(chip: Chip) -> int:
    return int(chip.flash.size - 2 * chip.flash.flash.records)


def half(chip: Chip) -> int:
    """Bytes of the largest file of which two fit by turns: sectors are not parted."""
    return 384 * 1024 if chip.name == "stm32f746zg" else room(chip) // 2


def begin(store: Store, data: bytes, name: str = "kws") -> Upload:
    upload, current = Upload(), ctypes.c_int()
    digest = (ctypes.c_uint8 * 32)(*hashlib.sha256(data).digest())
    call = store.lib.eq_store_begin
    check(call(ctypes.byref(upload), ctypes.byref(store.ops), name.encode(), ctypes.c_uint64(len(data)), digest, ctypes.byref(current)))
    assert not current.value
    return upload


def send(store: Store, upload: Upload, data: bytes, until: int) -> None:
    part = data[upload.offset : until]
    check(store.lib.eq_store_write(ctypes.byref(upload), ctypes.c_uint64(upload.offset), part, ctypes.c_size_t(len(part))))


def abort(store: Store, upload: Upload) -> None:
    store.lib.eq_store_abort(ctypes.byref(upload))


def begin_offset(store: Store, data: bytes) -> int:
    upload = begin(store, data)
    abort(store, upload)
    return int(upload.offset)


def test_two_files_of_half_the_flash_fit_by_turns_and_the_current_one_is_never_touched(chip: Chip) -> None:
    store = chip.start()
    files = [random.Random(seed).randbytes(half(chip)) for seed in range(3)]
    for i, data in enumerate(files * 2):
        before = files[(i - 1) % 3]
        seen: list[bool] = []

        def health(_: bytes, i: int = i, before: bytes = before, seen: list[bool] = seen) -> int:
            seen.append(i == 0 or store.open("kws") == before)
            return 0

        assert store.deploy("kws", data, health, step=1 << 14) == i + 1
        assert seen == [True] and store.versions("kws") == ((data, before) if i else (data,))[: 2 if i else 1]
    chip.check()


def test_a_file_that_cannot_fit_is_refused_before_anything_is_given_up(chip: Chip) -> None:
    store = chip.start()
    store.deploy("kws", A)
    store.deploy("kws", B)
    with pytest.raises(Refused, match="full"):
        store.deploy("kws", bytes(room(chip)))
    with pytest.raises(Refused, match="full"):
        store.deploy("kws", bytes(chip.flash.size + 1))
    assert store.versions("kws") == (B, A)


def test_a_file_of_more_than_half_the_flash_takes_the_place_of_one_that_was_removed(chip: Chip) -> None:
    """The one slot that there is then: only who removes the old one first gets the new one."""
    store = chip.start()
    old, new = (random.Random(seed).randbytes(room(chip) * 3 // 4) for seed in range(2))
    store.deploy("kws", old, step=1 << 14)
    with pytest.raises(Refused, match="full"):
        store.deploy("kws", new)
    assert store.open("kws") == old
    store.remove("kws")
    assert store.deploy("kws", new, step=1 << 14) == 1 and chip.start().open("kws") == new
    chip.check()


def test_nothing_more_is_taken_after_a_word_that_could_not_be_programmed(chip: Chip) -> None:
    store = chip.start()
    upload = begin(store, A)
    chip.flash.fails = chip.flash.operations + 1
    with pytest.raises(Refused, match="io"):
        send(store, upload, A, 1024)
    with pytest.raises(Refused, match="order"):
        send(store, upload, A, 2048)
    abort(store, upload)
    assert store.deploy("kws", A) == 1 and store.open("kws") == A
    chip.check()


def test_earlier_versions_of_other_models_make_way_last(chip: Chip) -> None:
    store = chip.start()
    for data in (A, B):
        store.deploy("kws", data)
        store.deploy("vww", data)
    largest = int(store.ops.free_bytes(store.ops.context))
    big = random.Random(7).randbytes(largest)
    store.deploy("vww", big)
    assert store.open("vww") == big and store.open("kws") == B
    assert store.log()[-1][1:3] == ("installed", "vww")
    chip.check()


def test_bytes_that_are_open_are_not_erased(chip: Chip) -> None:
    store = chip.start()
    first, second = (random.Random(seed).randbytes(half(chip)) for seed in range(2))
    store.deploy("kws", first)
    store.deploy("kws", second)
    model = Model()
    check(store.lib.eq_store_open(ctypes.byref(model), ctypes.byref(store.ops), b"kws", 1))
    with pytest.raises(Refused, match="full"):
        store.deploy("kws", first[1:])
    assert ctypes.string_at(model.data, model.size) == first
    store.lib.eq_store_close(ctypes.byref(model))
    store.deploy("kws", first[1:])
    assert store.open("kws") == first[1:]
    chip.check()


def test_an_upload_whose_line_was_lost_goes_on_where_it_stopped(chip: Chip) -> None:
    store, word = chip.start(), chip.flash.flash.word
    upload = begin(store, A)
    send(store, upload, A, 1001)
    abort(store, upload)
    assert store.unfinished("kws") == 1001 // word * word and store.names() == (["kws"] if word <= 1001 else [])
    erased = chip.flash.erased
    assert begin_offset(store, A) == 1001 // word * word and chip.flash.erased == erased
    assert store.deploy("kws", A) == 1
    chip.check()


@pytest.mark.parametrize("name", SMALL_SECTORS)
def test_after_a_power_cut_an_upload_goes_on_behind_what_is_programmed_for_good(name: str) -> None:
    chip, data = Chip(name), random.Random(1).randbytes(200_000)
    store = chip.start()
    upload = begin(store, data)
    send(store, upload, data, 150_000)
    store = chip.start()
    kept = store.unfinished("kws")
    sector = chip.flash.flash.sectors[1]
    assert 150_000 - len(data) // 8 - sector <= kept <= 150_000 and kept % sector == 0
    assert begin_offset(store, data) == kept
    assert chip.flash.erased <= 2 * chip.flash.flash.records // sector + -(-len(data) // 8 // sector) + 1
    assert store.deploy("kws", data, step=1 << 14) == 1 and store.open("kws") == data
    chip.check()


def test_another_upload_takes_the_place_of_an_unfinished_one(chip: Chip) -> None:
    store = chip.start()
    upload = begin(store, A)
    send(store, upload, A, 2000)
    abort(store, upload)
    assert store.deploy("vww", B) == 1
    assert store.unfinished("kws") == 0 and store.names() == ["vww"]
    chip.check()


def test_bytes_with_another_hash_are_refused_and_sent_anew(chip: Chip) -> None:
    store = chip.start()
    upload = begin(store, A)
    send(store, upload, A, 2900)
    at = bytes(chip.bytes()).index(A[:256])
    chip.bytes()[at + 100] &= 0x0F
    chip.bytes()[at + 101] = 0
    upload_rest = A[2900:]
    check(store.lib.eq_store_write(ctypes.byref(upload), ctypes.c_uint64(2900), upload_rest, ctypes.c_size_t(len(upload_rest))))
    assert store.lib.eq_store_finish(ctypes.byref(upload), None, None, ctypes.byref(ctypes.c_int32())) == FAULT["hash"]
    abort(store, upload)
    assert store.unfinished("kws") == 0 and store.log()[-1][1:] == ("install_failed", "kws", 0, "hash")
    assert store.deploy("kws", A) == 1 and store.open("kws") == A
    chip.check()


def test_one_change_at_a_time(chip: Chip) -> None:
    store = chip.start()
    store.deploy("kws", A)
    upload = begin(store, B)
    for call in (lambda: store.deploy("vww", C), lambda: store.rollback("kws"), lambda: store.remove("kws"), lambda: store.keep("kws", 1)):
        with pytest.raises(Refused, match="busy"):
            call()
    abort(store, upload)
    store.remove("kws")


def test_an_update_erases_each_sector_of_its_file_once(chip: Chip, record_property: Callable[[str, object], None]) -> None:
    store, size = chip.start(), min(60_000, half(chip))
    files = [random.Random(seed).randbytes(size) for seed in range(2)]
    for data in files:
        store.deploy("kws", data, step=4096)
    chip.flash.erased, updates = 0, 20
    for i in range(updates):
        store.deploy("kws", files[i % 2], step=4096)
    sector = chip.flash.flash.sectors[1 if chip.name != "stm32f746zg" else 3]
    per_update = chip.flash.erased / updates
    assert per_update <= -(-size // sector) + chip.flash.flash.records // sector + 1
    record_property("wear", f"flash, {chip.name}: an update of {size} bytes erases {per_update:.2f} sectors")
    chip.check()
