"""What a device does with keys, trailer and signature of any content, under the sanitizers (csrc/fuzz/fuzz_trust.c)."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edgeq_host import signing
from edgeq_host.export.container import TRAILER_BYTES
from edgeq_host.keys import PrivateKey
from tests.agent.conftest import packed
from tests.fuzzing import DATA, fuzz_for, fuzzer, replay

CORPUS = DATA / "fuzz_trust"
KEYS_FILE = 140
KEY = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
RAW = KEY.public_key().public_bytes_raw()
pytestmark = pytest.mark.slow


def keys_file(*keys: bytes) -> bytes:
    """Its checksum is the target's to mend."""
    places = b"".join(key + name.ljust(32, b"\0") for key, name in zip(keys, (b"a", b"b"), strict=False))
    return b"EQKEYS01" + places.ljust(128, b"\0") + bytes(4)


def small(counter: int) -> bytes:
    """A file with an empty body, signed: the target never parses it."""
    whole = packed(1)
    head = bytearray(whole[-TRAILER_BYTES:-4])
    head[16:56] = bytes(8) + hashlib.sha256(b"").digest()
    head[56:80] = counter.to_bytes(8, "little") + hashlib.sha256(RAW).digest()[:16]
    head[92:156] = KEY.sign(bytes(head[:92]))
    return bytes(head) + bytes(4)


def seeds() -> dict[str, bytes]:
    """What the kept corpus begins with: how, keys, upload."""
    good, keys = small(6), keys_file(RAW)
    signed = signing.sign(packed(1), "m", PrivateKey(KEY), 9)
    cases = {
        "good": (keys, good, 5),
        "older": (keys, small(4), 5),
        "no_keys": (b"", good, 4),
        "two_keys": (keys_file(b"\2" * 32, RAW), good, 5),
        "stranger": (keys_file(b"\2" * 32), good, 5),
        "id_mended": (keys_file(b"\2" * 32), good, 13),
        "unsigned": (keys, good[:56] + bytes(100) + bytes(4), 5),
        "keys_damaged": (keys, good, 4),
        "keys_short": (keys[:100], good, 5),
        "whole": (keys, signed, 5),
        "whole_cut": (keys, signed[:-1], 5),
        "garbage": (keys, b"EQMTRAIL" * 20, 7),
    }
    return {name: bytes([how, len(keys)]) + keys + file for name, (keys, file, how) in cases.items()}


@pytest.fixture(scope="module")
def program() -> Path:
    return fuzzer("fuzz_trust")


def test_the_kept_corpus_has_no_finding(program: Path) -> None:
    assert len(list(CORPUS.iterdir())) >= 12
    replay(program, CORPUS)


def test_every_byte_of_keys_and_trailer_changed_has_no_finding(program: Path, tmp_path: Path) -> None:
    good = seeds()["good"]
    generator = random.Random(6)
    for at in range(len(good)):
        for number, value in enumerate((0, 0x7F, 0x80, 0xFF, generator.randrange(256))):
            (tmp_path / f"{at}_{number}").write_bytes(good[:at] + bytes([value]) + good[at + 1 :])
    replay(program, tmp_path)


def test_a_while_of_fuzzing_has_no_finding(program: Path, tmp_path: Path) -> None:
    fuzz_for(program, 20, tmp_path, CORPUS)
