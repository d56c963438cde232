"""The reader under AddressSanitizer and UndefinedBehaviorSanitizer, on bodies whose trailer is right (csrc/fuzz/fuzz_file.c)."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from edgeq_host.export import eqm_generated as eqm
from edgeq_runtime import lists
from tests import fuzzing
from tests.fuzzing import replay
from tests.ops.cases import cases_of, low
from tests.ops.cases.base import rng_of
from tests.ops.runner import model_bytes
from tests.runtime import seeds
from tests.runtime.models import body_of, branches, with_selftest

CORPUS = fuzzing.DATA / "fuzz_file"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fuzzer() -> Path:
    return fuzzing.fuzzer("fuzz_file")


def test_the_kept_corpus_is_what_seeds_make_and_has_every_form_of_narrow_weights() -> None:
    made = seeds.bodies()
    assert {name: (CORPUS / name).read_bytes() for name in made if (CORPUS / name).exists()} == made, "run python -m tests.runtime.seeds"
    assert {f"{op}_{form.replace('/', '_')}" for op in low.OPS for form in low.forms(op)} <= made.keys()


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


EXTREME = [0, 1, 2, 3, 5, 6, 7, 64, 127, 128, 255, 4096, 1 << 15, 1 << 16, 1 << 24, 1 << 30, (1 << 31) - 1]
FLOATS = [0x3F800000, 0x7F800000, 0xFF800000, 0x7FC00000, 0x7F7FFFFF, 0x00000001, 0x00800000]
WORDS = [*EXTREME, *(-v & 0xFFFFFFFF for v in EXTREME[1:]), *FLOATS]


def words_of(body: bytes) -> list[int]:
    """Where attributes and shapes lie in a body of one operator."""
    variant = eqm.Model.GetRootAs(body, 0).Variants(0)
    vectors = [(variant.Operators(0)._tab, 10)] + [(variant.Tensors(i)._tab, 4) for i in range(variant.TensorsLength())]
    places = []
    for table, field in vectors:
        offset = table.Offset(field)
        if offset:
            places += [table.Vector(offset) + 4 * i for i in range(table.VectorLen(offset))]
    return places


def damaged(body: bytes, rng: random.Random) -> bytes:
    """One to three attributes or dimensions replaced: most of all near the right value, since that passes more checks."""
    data, places = bytearray(body), words_of(body)
    for place in rng.sample(places, min(len(places), rng.randint(1, 3))):
        old = int.from_bytes(data[place : place + 4], "little")
        near = (old + rng.choice([-2, -1, 1, 2, 3])) & 0xFFFFFFFF
        data[place : place + 4] = rng.choice([near, near, rng.choice(WORDS)]).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize("op", lists.ops())
def test_an_operator_with_damaged_attributes_and_shapes_is_refused_or_runs(fuzzer: Path, tmp_path: Path, op: str) -> None:
    rng = random.Random(op)
    narrow = [next(iter(low.cases(op, form, rng_of(op)))) for form in (low.forms(op) if op in low.OPS else ())]
    for number, case in enumerate([*cases_of(op)[:12], *narrow]):
        body = body_of(model_bytes(op, case))
        for i in range(25):
            (tmp_path / f"{number}_{i}").write_bytes(damaged(body, rng))
    replay(fuzzer, tmp_path, "-max_len=200000")
