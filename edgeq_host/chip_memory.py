"""The memories of a microcontroller: what its chip file says of banks and flash, and the checks that hold such a file together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from edgeq_host.key_check import Key, Problem

KINDS = ("flash", "ram")
ATTRIBUTES = ("cached", "dma", "execute", "external", "secure", "tcm")
MAX_WORD = 256  # EQ_FLASH_WORD of eq_flash.h

_BANK = {
    "name": Key(str, True),
    "kind": Key(str, True),
    "address": Key(int, True),
    "bytes": Key(int, True),
    "attributes": Key(list, True, str),
}
_SECTORS = {"count": Key(int, True), "bytes": Key(int, True)}
_STORE = {"address": Key(int, True), "bytes": Key(int, True), "records_bytes": Key(int, True)}
_FLASH = {
    "sectors": Key(list, True, _SECTORS),
    "word_bytes": Key(int, True),
    "word_writes": Key(int, True),
    "read_while_write": Key(bool, True),
    "store": Key(dict, False, _STORE),
}
KEYS: Mapping[str, Key] = {"banks": Key(list, False, _BANK), "flash": Key(dict, False, _FLASH)}


@dataclass(frozen=True)
class Bank:
    """Memory in one piece. address: where the processor sees it. attributes: of ATTRIBUTES."""

    name: str
    kind: str
    address: int
    bytes: int
    attributes: tuple[str, ...]

    @property
    def end(self) -> int:
        return self.address + self.bytes


@dataclass(frozen=True)
class Sectors:
    """So many sectors of so many bytes: what is erased at once."""

    count: int
    bytes: int


@dataclass(frozen=True)
class Store:
    """The part of the flash that models go to; each of its two areas of records, which lie first, takes records_bytes."""

    address: int
    bytes: int
    records_bytes: int


@dataclass(frozen=True)
class Flash:
    """sectors: the erase map of the flash banks, by address. word_bytes: programmed at once. word_writes: how often a word may be between
    two erases, 0: without limit, each time to clear more bits. read_while_write: code in another bank runs on meanwhile."""

    sectors: tuple[Sectors, ...]
    word_bytes: int
    word_writes: int
    read_while_write: bool
    store: Store | None = None


def read_banks(table: Mapping[str, Any]) -> tuple[Bank, ...]:
    """Of a table that passed `check`."""
    return tuple(Bank(**{**row, "attributes": tuple(row["attributes"])}) for row in table.get("banks", ()))


def read_flash(table: Mapping[str, Any]) -> Flash | None:
    """Of a table that passed `check`; None: it has none."""
    found = table.get("flash")
    if found is None:
        return None
    store = Store(**found["store"]) if "store" in found else None
    return Flash(**{**found, "sectors": tuple(Sectors(**row) for row in found["sectors"]), "store": store})


def store_sectors(flash: Flash, begin: int) -> tuple[Sectors, ...]:
    """Those of the store, where the flash begins at that address: the erase map that the firmware has of it."""
    found = []
    low, high = (flash.store.address, flash.store.address + flash.store.bytes) if flash.store else (0, 0)
    for run in flash.sectors:
        end = begin + run.count * run.bytes
        count = (min(end, high) - max(begin, low)) // run.bytes
        if count > 0:
            found.append(Sectors(count, run.bytes))
        begin = end
    return tuple(found)


def check(table: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with banks and flash, of a table with the right keys."""
    found = list(_banks(table))
    yield from found
    if not found and "flash" in table:
        yield from _flash(table)


def _banks(table: Mapping[str, Any]) -> Iterator[Problem]:
    banks = table.get("banks", [])
    for bank in banks:
        where = f"bank {bank['name']!r}"
        if bank["kind"] not in KINDS:
            yield Problem(f"{where} is of kind {bank['kind']!r}", f"one of {', '.join(KINDS)}")
        for attribute in bank["attributes"]:
            if attribute not in ATTRIBUTES:
                yield Problem(f"{where} has the attribute {attribute!r}", f"of {', '.join(ATTRIBUTES)}")
        if bank["bytes"] < 1 or bank["address"] < 0 or bank["address"] + bank["bytes"] > 1 << 32:
            yield Problem(f"{where} lies at {bank['address']:#x} with {bank['bytes']} bytes", "memory of a processor of 32 bits")
    if len({bank["name"] for bank in banks}) != len(banks):
        yield Problem("two banks have one name", "name each bank as its reference manual does")
    rows = sorted(banks, key=lambda bank: bank["address"])
    for low, high in pairwise(rows):
        if low["address"] + low["bytes"] > high["address"]:
            yield Problem(f"the banks {low['name']!r} and {high['name']!r} overlap", "name memory once, at the address that is used")


def _flash(table: Mapping[str, Any]) -> Iterator[Problem]:
    flash = table["flash"]
    banks = sorted((bank for bank in read_banks(table) if bank.kind == "flash"), key=lambda bank: bank.address)
    word, sectors = flash["word_bytes"], flash["sectors"]
    if not 1 <= word <= MAX_WORD or word & (word - 1):
        yield Problem(f"flash.word_bytes is {word}", f"a power of two, up to {MAX_WORD}")
        return
    if flash["word_writes"] < 0:
        yield Problem(f"flash.word_writes is {flash['word_writes']}", "how often a word may be programmed between two erases; 0: no limit")
    if not sectors or any(run["count"] < 1 or run["bytes"] < 1 or run["bytes"] % word for run in sectors):
        yield Problem(f"flash.sectors is {sectors}", "runs of sectors, each of whole words")
        return
    total, size = sum(run["count"] * run["bytes"] for run in sectors), sum(bank.bytes for bank in banks)
    if total != size or any(low.end != high.address for low, high in pairwise(banks)):
        yield Problem(f"flash.sectors has {total} bytes, the flash banks {size}", "the sectors of all flash banks, which lie in one piece")
    elif "store" in flash:
        yield from _store(flash, banks[0].address)


def _is_edge(sectors: Iterable[Mapping[str, int]], begin: int, address: int) -> bool:
    """Whether a sector begins or ends there."""
    for run in sectors:
        if begin <= address <= begin + run["count"] * run["bytes"]:
            return (address - begin) % run["bytes"] == 0
        begin += run["count"] * run["bytes"]
    return False


def _store(flash: Mapping[str, Any], begin: int) -> Iterator[Problem]:
    store = Store(**flash["store"])
    edges = [store.address + n * store.records_bytes for n in range(3)] + [store.address + store.bytes]
    if store.records_bytes < 1 or not all(_is_edge(flash["sectors"], begin, edge) for edge in edges):
        yield Problem(f"flash.store is {flash['store']}", "whole sectors: two areas of records, then models")
    elif edges[2] >= edges[3]:
        yield Problem(f"flash.store has {store.bytes} bytes, all of them for records", "leave room for models")
