"""The reader under AddressSanitizer and UndefinedBehaviorSanitizer, on bodies whose trailer is right (csrc/fuzz/fuzz_file.c)."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from edgeq_runtime import build
from tests.runtime.models import body_of, branches, with_selftest

CORPUS = Path(__file__).parents[1] / "data" / "fuzz_file"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fuzzer() -> Path:
    if not shutil.which("clang"):
        pytest.skip("clang is not installed: libFuzzer needs it")
    return build.build("fuzz_file", build.config_for("fuzz_file", None, False))


def replay(fuzzer: Path, folder: Path, *flags: str) -> None:
    command = [str(fuzzer), "-runs=0", "-timeout=20", f"-artifact_prefix={folder}/", *flags, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]


def test_the_kept_corpus_is_read_without_a_finding(fuzzer: Path) -> None:
    assert len(list(CORPUS.iterdir())) > 10
    replay(fuzzer, CORPUS)


def test_every_bit_of_a_body_flipped_is_an_error_or_runs(fuzzer: Path, tmp_path: Path) -> None:
    body = body_of(with_selftest(branches(), (1,)))
    for i in range(len(body)):
        for flip in (0x01, 0x10, 0x80, 0xFF):
            (tmp_path / f"{i}_{flip}").write_bytes(body[:i] + bytes([body[i] ^ flip]) + body[i + 1 :])
    replay(fuzzer, tmp_path)


def test_words_of_a_body_replaced_by_extreme_ones_are_an_error_or_run(fuzzer: Path, tmp_path: Path) -> None:
    body, rng = body_of(with_selftest(branches(), (1,))), random.Random(1)
    words = [0, 1, 2, 3, 4, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFF0, 0xFFFF, 0x10000, len(body), len(body) - 4, len(body) + 160]
    for i in range(0, len(body), 4):
        for word in rng.sample(words, 6):
            (tmp_path / f"{i}_{word}").write_bytes(body[:i] + word.to_bytes(4, "little") + body[i + 4 :])
    replay(fuzzer, tmp_path)


def test_a_body_cut_at_any_word_is_an_error(fuzzer: Path, tmp_path: Path) -> None:
    body = body_of(with_selftest(branches(), (1,)))
    for i in range(0, len(body), 4):
        (tmp_path / str(i)).write_bytes(body[:i])
    replay(fuzzer, tmp_path)
