"""The store on the flash of chips: what it answers, its records, and what damage costs."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Callable

import pytest

from tests.store.binding import FAULT, Refused, Store, check
from tests.store.disk import Disk
from tests.store.flash import Chip, chips

A, B, C, D = (random.Random(seed).randbytes(3000 + seed) for seed in range(4))
NAMES = ("kws", "vww", "a.b-c")
SMALL_SECTORS = ["stm32l4r5zi", "nrf52840", "rp2040", "stm32u585ai"]


@pytest.fixture(params=chips())
def chip(request: pytest.FixtureRequest) -> Chip:
    return Chip(request.param)


def _answer(change: Callable[[Store], object], store: Store) -> object:
    try:
        found = change(store)
    except Refused as refused:
        return str(refused)
    return found if isinstance(found, int) else None


def random_change(draw: random.Random) -> Callable[[Store], object]:
    name, version = draw.choice(NAMES), draw.randint(0, 6)
    data, keep, health = draw.choice([A, B, C, D]), draw.choice([0, 0, 0, 1, 3, 9]), FAULT["selftest_failed"] if draw.random() < 0.1 else 0
    kind = draw.choice(["deploy", "deploy", "rollback", "remove", "keep"])
    if kind == "deploy":
        return lambda store: store.deploy(name, data, lambda _: health, keep=keep, step=1000, counter=version if version > 4 else 0)
    if kind == "rollback":
        return lambda store: store.rollback(name, lambda _: health, version=version).versions[0].version
    if kind == "remove":
        return lambda store: store.remove(name, version=0 if version > 4 else version)
    return lambda store: store.keep(name, keep).count


def _all(store: Store) -> object:
    names = store.names()
    states = [(s.next, s.keep, s.counter) for s in map(store.state, NAMES)]
    files = [[len(data) for data in store.versions(name) or ()] for name in NAMES]
    return names, states, files, [store.unfinished(name) for name in NAMES]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", SMALL_SECTORS)
def test_the_store_on_flash_answers_as_the_one_on_files_does(name: str, seed: int) -> None:
    draw, files, chip = random.Random(seed), Disk().store, Chip(name)
    flash = chip.start()
    for _ in range(60):
        change = random_change(draw)
        assert _answer(change, flash) == _answer(change, files)
        if draw.random() < 0.2 and not any(map(flash.unfinished, NAMES)):  # of which a part would be sent again
            flash = chip.start()
        assert _all(flash) == _all(files)
        last = [entry[1:] for entry in files.log()][-3:]
        assert [entry[1:] for entry in flash.log()][-3:] == last
    chip.check()


@pytest.mark.parametrize("content", ["zeros", "random"])
def test_what_lay_on_the_flash_before_is_no_store(chip: Chip, content: str) -> None:
    size = chip.flash.size
    ctypes.memmove(chip.bytes(), bytes(size) if content == "zeros" else random.Random(3).randbytes(size), size)
    ctypes.memset(chip.flash.programmed, 1, size // chip.flash.flash.word)
    store = chip.start()
    assert store.names() == [] and store.log() == [] and store.unfinished("kws") == 0
    assert store.deploy("kws", A) == 1 and chip.start().open("kws") == A
    chip.check()


def test_the_log_keeps_the_newest_when_records_move(chip: Chip) -> None:
    store = chip.start()
    store.deploy("kws", A)
    store.deploy("kws", B)
    moved = 0
    while moved < 3 * chip.flash.flash.records // chip.flash.flash.sectors[1]:
        chip.flash.erased = 0
        store.rollback("kws")
        moved += chip.flash.erased
    numbers = [entry[0] for entry in store.log()]
    assert numbers == list(range(numbers[0], numbers[-1] + 1)) and len(numbers) >= 20 and numbers[0] > 1
    assert chip.start().log() == store.log()
    chip.check()


def test_many_models_fill_the_records_and_the_next_is_refused() -> None:
    chip = Chip("nrf52840")
    store, count = chip.start(), 0
    with pytest.raises(Refused, match="full"):
        for count in range(200):
            store.deploy(f"model-{count}", A)
    names = [f"model-{i}" for i in range(count)]
    assert count >= 30 and store.names() == sorted(names) and store.open(names[-1]) == A
    store.remove(names[0])
    assert store.deploy("another", B) == 1
    assert chip.start().names() == sorted([*names[1:], "another"])
    chip.check()


def test_the_file_of_keys_is_a_record(chip: Chip) -> None:
    store = chip.start()
    data, size = ctypes.c_void_p(), ctypes.c_size_t()
    find = lambda ops: ops.map(ops.context, b".keys", ctypes.pointer(data), ctypes.pointer(size))  # noqa: E731
    assert find(store.ops) == FAULT["missing"]
    for content in (bytes(140), random.Random(4).randbytes(140)):
        check(store.lib.eq_store_replace(ctypes.byref(store.ops), b"", b".keys.new", b".keys", content, ctypes.c_size_t(140)))
        store.deploy("kws", content * 9)
        for ops in (store.ops, chip.start().ops):
            assert find(ops) == 0 and ctypes.string_at(data.value, size.value) == content  # type: ignore[arg-type]


def test_damage_of_any_record_is_found_and_costs_itself_alone(chip: Chip) -> None:
    """Whatever is left of the records, no other bytes than those that were installed are found sound."""
    store = chip.start()
    for data in (A, B):
        store.deploy("kws", data)
        store.deploy("vww", data)
    image, draw = chip.image(), random.Random(5)
    used = [i for i, byte in enumerate(bytes(chip.bytes()[: 2 * chip.flash.flash.records])) if byte != 0xFF]
    for _ in range(150):
        chip.restore(image)
        for at in draw.sample(used, draw.choice([1, 1, 3, 40])):
            chip.bytes()[at] ^= 1 << draw.randrange(8)
        store = chip.start()
        for name in store.names():
            assert store.open(name) in (A, B)
        store.deploy("kws", C)
        assert chip.start().open("kws") == C
        assert not chip.flash.violation


def test_a_file_that_was_damaged_is_installed_again(chip: Chip) -> None:
    store = chip.start()
    store.deploy("kws", A)
    store.deploy("kws", B)
    at = bytes(chip.bytes()).index(B[:200])
    chip.bytes()[at] ^= 1
    assert store.open("kws") != B
    assert store.rollback("kws").count == 1 and store.open("kws") == A
    store.deploy("kws", B)
    assert store.versions("kws") == (B, A)
    chip.check()
