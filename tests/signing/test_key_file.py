"""The keys of a device: whole after any power cut, changed only with a proof, closed where their file is damaged."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edgeq_host import signing
from edgeq_host.keys import PrivateKey
from tests.agent.conftest import packed
from tests.signing import native_signing as device
from tests.signing.test_ed25519 import SMALL_ORDER
from tests.store.binding import Ops, Refused, on_files
from tests.store.disk import Disk, Tree, after_power_cut, shallow, snapshot

ENROLL, REVOKE = 1, 2
NONCE = bytes(range(32))
A, B, C = (Ed25519PrivateKey.from_private_bytes(bytes([i]) * 32) for i in (1, 2, 3))


def raw(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def proved(ops: Ops, by: Ed25519PrivateKey, operation: int, key: bytes, name: str) -> None:
    device.change(ops, operation, key, name, NONCE, by.sign(device.proof(operation, key, name, NONCE)))


def first(ops: Ops) -> None:
    device.change(ops, ENROLL, raw(A), "a")


def second(ops: Ops) -> None:
    first(ops)
    proved(ops, A, ENROLL, raw(B), "b")


def test_a_key_is_rotated_by_the_old_one_and_the_last_may_go_with_its_own_proof() -> None:
    ops = Disk().store.ops
    assert device.read_keys(ops) == []
    second(ops)
    assert device.read_keys(ops) == [(raw(A), "a"), (raw(B), "b")]
    with pytest.raises(Refused, match="keys_full"):
        proved(ops, B, ENROLL, raw(C), "c")
    proved(ops, B, REVOKE, raw(A), "")
    assert device.read_keys(ops) == [(raw(B), "b")]
    proved(ops, B, ENROLL, raw(C), "c")
    assert device.read_keys(ops) == [(raw(C), "c"), (raw(B), "b")], "in the place that is free"
    proved(ops, C, REVOKE, raw(B), "")
    proved(ops, C, REVOKE, raw(C), "")
    assert device.read_keys(ops) == []
    first(ops)


def test_the_proof_is_what_spec_says() -> None:
    expected = b"EQKEYPRF" + (1).to_bytes(4, "little") + NONCE + raw(A) + b"a" + bytes(31)
    assert device.proof(ENROLL, raw(A), "a", NONCE) == expected


CHANGES: dict[str, Callable[[Ops], None]] = {
    "no proof": lambda ops: device.change(ops, ENROLL, raw(B), "b"),
    "no nonce": lambda ops: device.change(ops, ENROLL, raw(B), "b", None, A.sign(device.proof(ENROLL, raw(B), "b", NONCE))),
    "by the new key": lambda ops: proved(ops, B, ENROLL, raw(B), "b"),
    "revoke without proof": lambda ops: device.change(ops, REVOKE, raw(A), ""),
    "revoke by another": lambda ops: proved(ops, B, REVOKE, raw(A), ""),
    "of another operation": lambda ops: device.change(ops, REVOKE, raw(A), "", NONCE, A.sign(device.proof(ENROLL, raw(A), "", NONCE))),
    "of another key": lambda ops: device.change(ops, ENROLL, raw(C), "b", NONCE, A.sign(device.proof(ENROLL, raw(B), "b", NONCE))),
    "of another name": lambda ops: device.change(ops, ENROLL, raw(B), "c", NONCE, A.sign(device.proof(ENROLL, raw(B), "b", NONCE))),
    "of another nonce": lambda ops: device.change(ops, ENROLL, raw(B), "b", NONCE, A.sign(device.proof(ENROLL, raw(B), "b", bytes(32)))),
    "cut short": lambda ops: device.change(ops, ENROLL, raw(B), "b", NONCE, A.sign(device.proof(ENROLL, raw(B), "b", NONCE))[:63]),
    "longer": lambda ops: device.change(ops, ENROLL, raw(B), "b", NONCE, A.sign(device.proof(ENROLL, raw(B), "b", NONCE)) + b"x"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_without_the_right_proof_is_refused_and_changes_nothing(what: str) -> None:
    disk = Disk()
    first(disk.store.ops)
    with pytest.raises(Refused, match="proof"):
        CHANGES[what](disk.store.ops)
    assert device.read_keys(disk.store.ops) == [(raw(A), "a")] and not disk.locked


def test_a_signature_of_a_file_proves_no_change_of_keys() -> None:
    """The trailer that is signed begins with other bytes, whatever its fields are."""
    trailer = signing.seal(signing.sign(packed(1), "m", PrivateKey(A), 1))
    disk = Disk()
    first(disk.store.ops)
    with pytest.raises(Refused, match="proof"):
        device.change(disk.store.ops, ENROLL, raw(B), "b", NONCE, trailer.signature)


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 32, ".x", "\xff"])
def test_a_name_that_is_none_is_not_enrolled(name: str) -> None:
    with pytest.raises(Refused, match="key"):
        device.change(Disk().store.ops, ENROLL, raw(A), name[:32])


def test_a_key_that_anybody_can_sign_for_is_not_enrolled() -> None:
    for key in [*SMALL_ORDER, b"\xff" * 32]:
        with pytest.raises(Refused, match="key"):
            device.change(Disk().store.ops, ENROLL, key, "a")


def test_to_enroll_the_same_key_again_takes_no_second_place() -> None:
    disk = Disk()
    first(disk.store.ops)
    before = len(disk.steps)
    proved(disk.store.ops, A, ENROLL, raw(A), "a")
    assert len(disk.steps) == before and device.read_keys(disk.store.ops) == [(raw(A), "a")]


SCENARIOS: dict[str, tuple[Callable[[Ops], None], Callable[[Ops], None], list[bytes], list[bytes]]] = {
    "first": (lambda ops: None, first, [], [raw(A)]),
    "second": (first, lambda ops: proved(ops, A, ENROLL, raw(B), "b"), [raw(A)], [raw(A), raw(B)]),
    "revoke": (second, lambda ops: proved(ops, B, REVOKE, raw(A), ""), [raw(A), raw(B)], [raw(B)]),
    "last": (first, lambda ops: proved(ops, A, REVOKE, raw(A), ""), [raw(A)], []),
}


def of_the_log(disk: Disk) -> bool:
    return disk.at.startswith(".log")


def record(name: str, skip: int = -1, log: bool = False) -> tuple[Tree, Disk]:
    """log: the change can be noted there, else its first operation fails and is the last."""
    before, change, _, _ = SCENARIOS[name]
    disk = Disk()
    before(disk.store.ops)
    start = snapshot(disk.tree)
    disk = Disk(shallow(start), skip=skip, fails=(lambda disk: False) if log else of_the_log)
    change(disk.store.ops)
    return start, disk


def violations(name: str, skip: int = -1, log: bool = False) -> tuple[int, list[str]]:
    """How many disks were looked at, and what is wrong with some of them."""
    start, disk = record(name, skip, log)
    _, _, old, new = SCENARIOS[name]
    tried, broken = 0, []
    for length in range(len(disk.steps) + 1):
        allowed = [new] if length == len(disk.steps) else [old, new]
        for tree in after_power_cut(start, disk.steps[:length]):
            tried += 1
            try:
                found = [key for key, _ in device.read_keys(Disk(tree).store.ops)]
            except Refused as refused:
                broken.append(f"{length}: {refused}")
                continue
            if found not in allowed:
                broken.append(f"{length}: neither old nor new")
    return tried, broken


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_power_cut_leaves_the_old_or_the_new_keys(name: str, log: bool) -> None:
    tried, broken = violations(name, log=log)
    print(f"{name}: {tried} disks")
    assert tried > 10 and broken == []


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("skip", [0, 1])
def test_without_either_sync_a_power_cut_breaks_the_keys(name: str, skip: int) -> None:
    assert record(name)[1].syncs == 2
    assert violations(name, skip)[1]


@pytest.mark.parametrize("failure", ["io", "full", "denied"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_an_operation_that_fails_leaves_old_or_new_keys(name: str, failure: str) -> None:
    _, change, old, new = SCENARIOS[name]
    for number in range(record(name)[1].changes - 1):
        start, _ = record(name)
        disk = Disk(start, fails=lambda disk, stop=number + 1: disk.changes == stop or of_the_log(disk), failure=failure)  # type: ignore[misc]
        with pytest.raises(Refused, match=failure):
            change(disk.store.ops)
        assert not disk.locked
        assert [key for key, _ in device.read_keys(disk.store.ops)] in (old, new)


def test_any_damage_of_the_file_of_keys_closes_the_device(tmp_path: Path) -> None:
    """It never counts as no keys."""
    store = on_files(str(tmp_path))
    second(store.ops)
    path, data = tmp_path / ".keys", packed(1)
    good, generator = path.read_bytes(), random.Random(1)
    broken = [good[:-1], good + b"x", good[:8], b"EQKEYS01", *(generator.randbytes(len(good)) for _ in range(20))]
    broken += [good[:at] + bytes([good[at] ^ 1 << generator.randrange(8)]) + good[at + 1 :] for at in range(len(good))]
    for bad in broken:
        path.write_bytes(bad)
        for call in (lambda: device.read_keys(store.ops), lambda: device.admit(store.ops, data), lambda: first(store.ops)):
            with pytest.raises(Refused, match="keys_file"):
                call()
    path.unlink()
    path.mkdir()
    with pytest.raises(Refused, match=r"keys_file|foreign"):
        device.admit(store.ops, data)


def test_an_empty_file_of_keys_is_damage_too(tmp_path: Path) -> None:
    (tmp_path / ".keys").write_bytes(b"")
    with pytest.raises(Refused, match="keys_file"):
        device.admit(on_files(str(tmp_path)).ops, packed(1))
