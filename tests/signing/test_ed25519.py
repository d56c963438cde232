"""The device's Ed25519 against RFC 8032, against another implementation, and against what must never pass."""

from __future__ import annotations

import hashlib
import random
import re
import subprocess

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edgeq_runtime import build
from tests.signing.native_signing import key_ok, sha512, verify

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
# RFC 8032 section 7.1: secret key, public key, message, signature.
RFC = {
    "TEST 1": (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    "TEST 2": (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    "TEST 3": (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    "TEST SHA(abc)": (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        hashlib.sha512(b"abc").hexdigest(),
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
}
# y of the points whose order divides 8, from the curve's equation; with and without the sign of x, and y + p where that fits.
_EIGHTH = (
    2707385501144840649318225287225658788936804267575313519463743609750303021,
    55188659117513257062467267217118295137698188065244968500265048394206261417927,
)
_SMALL = [y + p for y in (0, 1, P - 1, *_EIGHTH) for p in (0, P) if y + p < 2**255]
SMALL_ORDER = [(y | sign << 255).to_bytes(32, "little") for y in _SMALL for sign in (0, 1)]


def signed(seed: int, message: bytes) -> tuple[bytes, bytes]:
    """A public key and its signature."""
    key = Ed25519PrivateKey.from_private_bytes(random.Random(seed).randbytes(32))
    return key.public_key().public_bytes_raw(), key.sign(message)


@pytest.mark.parametrize("name", RFC)
def test_the_vectors_of_rfc_8032_verify_and_their_neighbours_do_not(name: str) -> None:
    secret, key, message, signature = (bytes.fromhex(text) for text in RFC[name])
    assert Ed25519PrivateKey.from_private_bytes(secret).sign(message) == signature, "the vector itself"
    assert verify(key, message, signature) and key_ok(key)
    assert not verify(key, message + b"\0", signature)
    assert not verify(key, message[:-1] or b"x", signature)


def test_sha512_of_every_length_to_three_blocks_in_any_parts_is_hashlibs() -> None:
    generator = random.Random(1)
    for size in range(400):
        data = generator.randbytes(size)
        at = generator.randrange(size + 1)
        assert sha512(data) == hashlib.sha512(data).digest() == sha512(data[:at], data[at:])
    assert sha512(b"a" * 1_000_000) == hashlib.sha512(b"a" * 1_000_000).digest()


def test_random_keys_and_messages_verify_as_another_implementation_says() -> None:
    generator = random.Random(2)
    for seed in range(300):
        message = generator.randbytes(generator.randrange(200))
        key, signature = signed(seed, message)
        assert verify(key, message, signature) and key_ok(key)
        broken = bytearray(key + signature + message + b".")
        broken[generator.randrange(len(broken) - 1)] ^= 1 << generator.randrange(8)
        key, signature, message = bytes(broken[:32]), bytes(broken[32:96]), bytes(broken[96:-1])
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
            expected = True
        except InvalidSignature:
            expected = False
        assert verify(key, message, signature) is expected


def test_every_changed_bit_of_signature_key_and_message_is_noticed() -> None:
    message = random.Random(3).randbytes(92)
    key, signature = signed(4, message)
    for at in range(8 * (32 + 64 + 92)):
        changed = bytearray(key + signature + message)
        changed[at // 8] ^= 1 << at % 8
        assert not verify(bytes(changed[:32]), bytes(changed[96:]), bytes(changed[32:96]))


@pytest.mark.parametrize("times", [1, 2, 7, 15])
def test_an_s_that_is_not_reduced_is_refused(times: int) -> None:
    """S + L would be a second signature of the same message."""
    key, signature = signed(5, b"message")
    s = int.from_bytes(signature[32:], "little") + times * L
    assert s < 2**256
    assert not verify(key, b"message", signature[:32] + s.to_bytes(32, "little"))


@pytest.mark.parametrize("s", [0, 1, L - 1, L, L + 1, 2**252, 2**253 - 1, 2**255 - 1, 2**256 - 1])
def test_an_s_at_an_edge_is_no_signature(s: int) -> None:
    key, signature = signed(6, b"message")
    assert not verify(key, b"message", signature[:32] + s.to_bytes(32, "little"))


@pytest.mark.parametrize("key", SMALL_ORDER, ids=bytes.hex)
def test_a_key_of_small_order_cannot_be_enrolled(key: bytes) -> None:
    """With such a key anybody's signature, R the neutral point and S = 0, would be right."""
    assert not key_ok(key)


@pytest.mark.parametrize("y", range(P, 2**255))
def test_a_second_encoding_of_a_key_is_not_enrolled(y: int) -> None:
    assert not key_ok(y.to_bytes(32, "little"))


def test_the_numbers_below_p_are_canonical() -> None:
    assert any(key_ok(y.to_bytes(32, "little")) for y in range(P - 20, P - 1))


def test_there_are_small_orders_among_those_keys_that_would_verify_anything() -> None:
    """The test above is about keys that are dangerous."""
    nothing = (1).to_bytes(32, "little") + bytes(32)
    assert sum(verify(key, b"any message", nothing) for key in SMALL_ORDER) >= 8


def test_a_key_that_is_no_point_cannot_be_enrolled_and_verifies_nothing() -> None:
    found = [y.to_bytes(32, "little") for y in range(2, 60) if not key_ok(y.to_bytes(32, "little"))]
    assert 15 < len(found) < 45, "half of the numbers are no points"
    for key in found:
        assert not verify(key, b"message", signed(7, b"message")[1])


def test_a_signature_of_small_order_points_is_refused_by_an_honest_key() -> None:
    key, signature = signed(8, b"message")
    for r in SMALL_ORDER:
        assert not verify(key, b"message", r + bytes(32))
        assert not verify(key, b"message", r + signature[32:])


def test_the_agent_has_of_monocypher_what_verification_takes_and_nothing_that_signs_or_encrypts() -> None:
    agent = build.build("agent", build.config_for("agent", None, False))
    names = subprocess.run(["nm", agent], capture_output=True, text=True, check=True).stdout
    found = set(re.findall(r" [tT] (crypto_\w+)", names))
    assert {"crypto_eddsa_check_equation", "crypto_eddsa_reduce"} <= found
    assert not [name for name in found if re.search("sign|aead|argon|x25519|elligator|blake|chacha|poly", name)]


def test_what_was_vendored_is_unchanged() -> None:
    folder = build.CSRC / "third_party" / "monocypher"
    sums = dict(re.findall(r"\| (\S+) \| ([0-9a-f]{64}) \|", (folder / "README.md").read_text()))
    assert set(sums) == {"monocypher.c", "monocypher.h"}
    for name, expected in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected
