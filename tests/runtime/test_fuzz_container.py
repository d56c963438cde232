"""Trailer, costs and versions of a file under the sanitizers (csrc/fuzz/fuzz_container.c)."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzzing import DATA, fuzzer, replay
from tests.runtime.models import TRAILER, body_of, branches, with_costs, with_selftest

CORPUS = DATA / "fuzz_container"
AS_IS, ALL_RIGHT = 0, 255
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def container() -> Path:
    return fuzzer("fuzz_container")


@pytest.fixture(scope="module")
def good() -> bytes:
    return with_selftest(branches(), (1,))


def test_the_kept_corpus_is_read_without_a_finding(container: Path) -> None:
    assert len(list(CORPUS.iterdir())) > 10
    replay(container, CORPUS)


def test_every_byte_of_trailer_costs_and_footer_changed_is_read_or_refused(container: Path, good: bytes, tmp_path: Path) -> None:
    data, at = with_costs(good, b"measured"), len(body_of(good))
    for place in range(at, len(data)):
        for value in (0x00, 0x01, 0x7F, 0x80, 0xFF):
            changed = data[:place] + bytes([value]) + data[place + 1 :]
            (tmp_path / f"{place}_{value}").write_bytes(bytes([AS_IS, 0]) + changed)
    replay(container, tmp_path)


def test_a_trailer_of_any_content_with_right_sums_is_read_or_refused(container: Path, good: bytes, tmp_path: Path) -> None:
    """All that may be mended is, but for one of the fields, by turns; the fields that are not are anything."""
    rng, body = random.Random(5), body_of(good)
    for number in range(1500):
        trailer, costs = bytearray(good[-TRAILER:]), rng.randbytes(rng.randrange(0, 40))
        for _ in range(rng.randrange(1, 6)):
            trailer[rng.randrange(8, TRAILER)] = rng.choice((0, 1, 2, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        how = ALL_RIGHT & ~rng.choice((0, 2, 4, 8, 16, 32, 64, 128))
        (tmp_path / str(number)).write_bytes(bytes([how, len(costs)]) + body + bytes(trailer) + costs)
    replay(container, tmp_path)


def test_a_file_cut_at_any_length_is_refused_or_read(container: Path, good: bytes, tmp_path: Path) -> None:
    data = with_costs(good, b"measured")
    for size in range(0, len(data), 3):
        (tmp_path / f"{size}_as_is").write_bytes(bytes([AS_IS, 0]) + data[:size])
        (tmp_path / f"{size}_mended").write_bytes(bytes([ALL_RIGHT, 8]) + data[:size])
    replay(container, tmp_path)
