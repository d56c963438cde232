"""What a device with keys installs, from the trailer alone: the attacks that TUF names, one by one, on the code of the device."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edgeq_host import signing, trust
from edgeq_host.export.container import TRAILER_BYTES
from edgeq_host.keys import PrivateKey, PublicKey, key_id
from edgeq_host.trust import Enrolled, Trust
from edgeq_runtime import native
from edgeq_runtime.store import State
from tests.agent.conftest import packed
from tests.runtime.models import with_costs
from tests.signing import native_signing as device
from tests.signing.test_ed25519 import L
from tests.store.binding import Refused, Store
from tests.store.disk import Disk, after_power_cut, shallow, snapshot

KEY, NEXT, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([i]) * 32) for i in (1, 2, 3))
FILE, OTHER = packed(1), packed(2)
COUNTER, ID, SIGNATURE = 56, 64, 92  # places in the trailer


def public(key: Ed25519PrivateKey, name: str = "k") -> PublicKey:
    return PublicKey(key.public_key().public_bytes_raw(), name)


def sign(counter: int, data: bytes = FILE, key: Ed25519PrivateKey = KEY) -> bytes:
    return signing.sign(data, "m", PrivateKey(key), counter)


def patched(data: bytes, *changes: tuple[int, bytes]) -> bytes:
    """The file with bytes of its trailer replaced and the trailer's checksum right."""
    trailer = bytearray(data[-TRAILER_BYTES:-4])
    for at, new in changes:
        trailer[at : at + len(new)] = new
    return data[:-TRAILER_BYTES] + bytes(trailer) + native.crc32c(bytes(trailer)).to_bytes(4, "little")


def state(counter: int = 0, file: bytes = b"") -> State:
    found = State()
    found.counter = counter
    found.counter_sha256[:] = hashlib.sha256(file).digest()
    return found


@pytest.fixture
def store() -> Store:
    """A device with one key, `k`."""
    disk = Disk()
    device.change(disk.store.ops, 1, public(KEY).raw, "k")
    return disk.store


def fault(store: Store, data: bytes, before: State | None = None) -> str:
    """What the device answers, "" where it takes the file."""
    try:
        device.admit(store.ops, data, before)
    except Refused as refused:
        return str(refused)
    return ""


def test_a_device_without_keys_takes_every_file_and_remembers_no_counter() -> None:
    """A counter that nobody has vouched for would lock the name: anybody can write a large one."""
    ops = Disk().store.ops
    assert device.admit(ops, FILE, state()) == 0
    assert device.admit(ops, sign(2**64 - 1, key=STRANGER), state()) == 0
    assert device.admit(ops, b"no file at all", state()) == 0


def test_a_file_that_an_enrolled_key_has_signed_is_taken_with_its_counter(store: Store) -> None:
    assert device.admit(store.ops, sign(7), state()) == 7
    assert device.admit(store.ops, sign(2**64 - 1), state(2**64 - 2)) == 2**64 - 1
    assert device.admit(store.ops, with_costs(sign(7), b"measured"), state()) == 7


BODY = len(FILE) - TRAILER_BYTES
ATTACKS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "unsigned": ("not_signed", lambda: FILE),
    "unsigned with a counter": ("not_signed", lambda: patched(FILE, (COUNTER, b"\7"))),
    "signed with counter 0": ("not_signed", lambda: patched(sign(1), (COUNTER, bytes(8)))),
    "key id taken away": ("not_signed", lambda: patched(sign(1), (ID, bytes(16)))),
    "another key": ("unknown_key", lambda: sign(1, key=STRANGER)),
    "another key under our id": ("bad_signature", lambda: patched(sign(1, key=STRANGER), (ID, key_id(public(KEY).raw)))),
    "no signature under our id": ("bad_signature", lambda: patched(FILE, (COUNTER, b"\1"), (ID, key_id(public(KEY).raw)))),
    "counter raised": ("bad_signature", lambda: patched(sign(1), (COUNTER, b"\2"))),
    "older runtime claimed": ("bad_signature", lambda: patched(sign(1), (12, b"\0"))),
    "trailer of one file, body of another": ("model", lambda: OTHER[:-TRAILER_BYTES] + sign(1)[-TRAILER_BYTES:]),
    "trailer of one file with the hash of another": (
        "bad_signature",
        lambda: patched(OTHER[:-TRAILER_BYTES] + sign(1)[-TRAILER_BYTES:], (24, hashlib.sha256(OTHER[:-TRAILER_BYTES]).digest())),
    ),
    "signature of another file": ("bad_signature", lambda: patched(sign(1), (SIGNATURE, sign(1, OTHER)[-68:-4]))),
    "signature not reduced": (
        "bad_signature",
        lambda: patched(sign(1), (SIGNATURE + 32, (int.from_bytes(sign(1)[-36:-4], "little") + L).to_bytes(32, "little"))),
    ),
    "cut": ("model", lambda: sign(1)[:-1]),
    "bytes behind it": ("model", lambda: sign(1) + b"x"),
    "bytes before it": ("model", lambda: bytes(64) + sign(1)),
    "nothing but a trailer": ("model", lambda: sign(1)[-TRAILER_BYTES:]),
    "empty": ("model", lambda: b""),
}


@pytest.mark.parametrize("what", ATTACKS)
def test_an_attack_is_refused_with_its_own_fault(store: Store, what: str) -> None:
    expected, make = ATTACKS[what]
    assert fault(store, make(), state()) == expected
    assert fault(store, make()) == expected, "in memory, too"


def test_every_changed_bit_of_a_trailer_is_refused(store: Store) -> None:
    good = sign(3)
    for at in range(156):
        for bit in range(8):
            found = fault(store, patched(good, (at, bytes([good[BODY + at] ^ 1 << bit]))), state())
            assert found in ("model", "not_signed", "unknown_key", "bad_signature"), (at, bit)


@pytest.mark.parametrize(
    ("counter", "before", "expected"),
    [
        (4, state(5, b"newer"), "older"),
        (5, state(5, b"other bytes"), "older"),
        (5, state(5, sign(5)), ""),
        (6, state(5, b"older"), ""),
        (1, state(2**64 - 1, b"newest"), "older"),
        (2**63, state(2**63 + 1, b"newer"), "older"),
        (2**32, state(2**32 + 1, b"newer"), "older"),
        (2**32 + 1, state(2**32, b"older"), ""),
    ],
)
def test_an_older_file_is_refused_and_the_same_counter_passes_with_the_same_bytes_only(
    store: Store, counter: int, before: State, expected: str
) -> None:
    assert fault(store, sign(counter), before) == expected


def test_a_revoked_key_signs_nothing_any_more_and_its_successor_does(store: Store) -> None:
    nonce = bytes(32)
    for operation, key, name in ((1, NEXT, "next"), (2, KEY, "")):
        raw = public(key).raw
        device.change(store.ops, operation, raw, name, nonce, KEY.sign(device.proof(operation, raw, name, nonce)))
    assert fault(store, sign(9), state(5)) == "unknown_key"
    assert fault(store, sign(9, key=NEXT), state(5)) == ""


def test_the_host_predicts_what_the_device_says(store: Store) -> None:
    """Over the attacks that are sound files, and counters around the newest."""
    enrolled = (Enrolled(1, public(KEY)),)
    cases = [(make(), state()) for _, make in ATTACKS.values()] + [(sign(c), state(5, f)) for c in (4, 5, 6) for f in (b"", sign(5))]
    compared = 0
    for data, before in cases:
        try:
            native.check(data)
        except native.Error:
            continue  # refused before any device is asked
        digest = hashlib.sha256(data).hexdigest()
        known = Trust(enrolled, before.counter, bytes(before.counter_sha256).hex())
        found = trust.refusal(known, signing.seal(data), digest, "m", "b")
        assert (found.fault if found else "") == fault(store, data, before)
        compared += 1
    assert compared >= 15


def test_random_trailers_are_refused(store: Store) -> None:
    generator, good = random.Random(4), sign(3)
    for _ in range(300):
        at = generator.randrange(TRAILER_BYTES - 5)
        found = patched(good, (at, generator.randbytes(generator.randrange(1, 156 - at + 1))))
        assert found == good or fault(store, found, state())


# The counter in the record: in the same switch as the version, and not forgotten by a removal.
def _signed_twice(store: Store) -> None:
    store.deploy("kws", b"one", counter=4)
    store.deploy("kws", b"two", counter=5)


CHANGES: dict[str, tuple[Callable[[Store], object], set[int], set[int]]] = {
    "newer": (lambda store: store.deploy("kws", b"three", counter=9), {5}, {9}),
    "remove": (lambda store: store.remove("kws"), {5}, {5}),
    "rollback": (lambda store: store.rollback("kws"), {5}, {5}),
    "unsigned": (lambda store: store.deploy("kws", b"three"), {5}, {5}),
}


def counter_of(store: Store) -> int:
    found = State()
    from tests.store.binding import FAULT, LIB, ctypes

    result = LIB.eq_store_read(ctypes.byref(store.ops), b"kws", ctypes.byref(found))
    assert result in (0, FAULT["missing"])
    return int(found.counter)


@pytest.mark.parametrize("name", CHANGES)
def test_a_power_cut_never_lowers_the_counter_and_it_comes_with_its_version(name: str) -> None:
    change, old, new = CHANGES[name]
    disk = Disk()
    _signed_twice(disk.store)
    start = snapshot(disk.tree)
    disk = Disk(shallow(start))
    change(disk.store)
    tried = 0
    for length in range(len(disk.steps) + 1):
        allowed = new if length == len(disk.steps) else old | new
        for tree in after_power_cut(start, disk.steps[:length]):
            tried += 1
            found = Disk(tree).store
            assert counter_of(found) in allowed, length
            current = found.current("kws")
            if name == "newer":
                assert (counter_of(found) == 9) == (current is not None and current[0] == b"three")
    assert tried > 10


def test_a_failed_health_check_leaves_the_counter_as_it_was() -> None:
    store = Disk().store
    _signed_twice(store)
    with pytest.raises(Refused, match="selftest_failed"):
        store.deploy("kws", b"three", health=lambda data: 33, counter=9)
    assert counter_of(store) == 5


def test_a_counter_outlives_the_removal_and_what_comes_after_it() -> None:
    store = Disk().store
    _signed_twice(store)
    store.remove("kws")
    assert store.current("kws") is None and store.names() == [] and counter_of(store) == 5
    store.deploy("other", b"something")  # tidies the folders of all models
    assert counter_of(store) == 5
