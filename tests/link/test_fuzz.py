"""The link under AddressSanitizer and UndefinedBehaviorSanitizer (csrc/fuzz/fuzz_frame.c)."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests import fuzzing
from tests.fuzzing import replay

CORPUS = fuzzing.DATA / "fuzz_frame"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fuzzer() -> Path:
    return fuzzing.fuzzer("fuzz_frame")


def test_the_kept_corpus_is_taken_without_a_finding(fuzzer: Path) -> None:
    assert len(list(CORPUS.iterdir())) > 5
    replay(fuzzer, CORPUS)


def test_mutations_of_the_corpus_are_taken_without_a_finding(fuzzer: Path, tmp_path: Path) -> None:
    generator = random.Random(1)
    for path in sorted(CORPUS.iterdir()):
        for number in range(200):
            data = bytearray(path.read_bytes())
            for _ in range(generator.randrange(1, 8)):
                data[generator.randrange(len(data))] = generator.randrange(256)
            (tmp_path / f"{path.name}_{number}").write_bytes(data)
    replay(fuzzer, tmp_path)
