"""The bytes on flash are those of SPEC.md 5.8: another reader finds what the store says, and the store what another writer wrote."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import random

import pytest

from edgeq_host.wire import events, faults
from tests.store.binding import Refused
from tests.store.flash import Chip, chips
from tests.store.flash_image import STATE, Layout, Named, area, read
from tests.store.test_flash import NAMES, random_change
from tests.store.test_flash_places import A, B, abort, begin, send


def layout(chip: Chip) -> Layout:
    flash = chip.flash.flash
    return Layout(flash.records, max(16, flash.word) if flash.write_once else 16, chip.flash.size)


@pytest.mark.parametrize("name", chips())
def test_another_reader_finds_what_the_store_says(name: str) -> None:
    chip, draw = Chip(name), random.Random(name)
    store = chip.start()
    for _ in range(40):
        with contextlib.suppress(Refused):
            random_change(draw)(store)
        image = bytes(chip.bytes())
        found = read(layout(chip), image)
        assert sorted(n for n, state in found.states.items() if state.versions) == [n for n in store.names() if store.state(n).count]
        for model in NAMES:
            state, seen = store.state(model), found.states.get(model)
            assert (state.next, state.keep, state.counter) == ((seen.next, seen.keep, seen.counter) if seen else (1, 2, 0))
            files = tuple(image[place : place + size] for _, place, size, _ in seen.versions) if seen else ()
            assert files == (store.versions(model) or ())
        told = [
            (number, events()[event].name, model, v, faults()[fault].name if fault else "")
            for number, event, model, v, fault in found.events
        ]
        assert told == store.log()
    chip.check()


def test_another_reader_finds_an_unfinished_upload_and_the_keys() -> None:
    chip = Chip("stm32l4r5zi")
    store, data = chip.start(), random.Random(6).randbytes(40_000)
    store.lib.eq_store_replace(ctypes.byref(store.ops), b"", b"", b".keys", b"k" * 140, ctypes.c_size_t(140))
    upload = begin(store, data)
    send(store, upload, data, 30_000)
    found = read(layout(chip), bytes(chip.bytes()))
    assert found.keys == b"k" * 140 and found.upload is not None
    name, place, size, digest, done = found.upload
    assert (name, size, digest, done) == ("kws", len(data), hashlib.sha256(data).digest(), chip.start().unfinished("kws"))
    assert bytes(chip.bytes())[place : place + 30_000] == data[:30_000] and 0 < done <= 30_000
    abort(store, upload)


@pytest.mark.parametrize("numbers", [(1, 2), (2, 1), (2**32 - 1, 0), (0, 2**32 - 1)])
@pytest.mark.parametrize("name", chips())
def test_the_store_reads_what_another_writer_wrote_and_the_later_area_holds(name: str, numbers: tuple[int, int]) -> None:
    chip = Chip(name)
    place = 2 * chip.flash.flash.records
    states = [Named(8, 3, 5, bytes(range(32)), ((7, place, len(data), hashlib.sha256(data).digest()),)) for data in (A, B)]
    later = numbers[1] == (numbers[0] + 1) % 2**32
    for i, (number, state) in enumerate(zip(numbers, states, strict=True)):
        raw = area(layout(chip), number, (STATE, state.pack("kws")))
        chip.bytes()[i * len(raw) : (i + 1) * len(raw)] = raw
    data = B if later else A
    chip.bytes()[place : place + len(data)] = data
    ctypes.memset(chip.flash.programmed, 1, chip.flash.size // chip.flash.flash.word)
    store = chip.start()
    state = store.read("kws")
    assert store.versions("kws") == (data,) and (state.next, state.keep, state.counter, bytes(state.counter_sha256)) == (
        8,
        3,
        5,
        bytes(range(32)),
    )
    assert store.deploy("kws", A + B) == 8 and chip.start().versions("kws") == (A + B, data)
    chip.check()
