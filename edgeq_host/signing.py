"""The signature in the trailer of an .eqm file (SPEC.md 3.1): put in, taken out, verified. The body is never changed."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeq_host import files
from edgeq_host.errors import ModelError, SignatureError, UsageError
from edgeq_host.export import check_file
from edgeq_host.export.container import TRAILER, TRAILER_BYTES, trailer_at
from edgeq_host.keys import ID_BYTES, PrivateKey, PublicKey, Secret, key_id
from edgeq_runtime import native

SIGNATURE_BYTES = 64
_MAX_DETACHED = 1024  # 128 hex digits, with what an editor puts between them
MAX_COUNTER = (1 << 64) - 1
_SIGNED = TRAILER.size - SIGNATURE_BYTES  # bytes of the trailer that are signed, from its start
_COUNTER = 56  # place of counter, then key id, in the trailer
_PLACES = struct.Struct(f"<Q{ID_BYTES}s")


@dataclass(frozen=True)
class Claim:
    """What a trailer says of its signature, which is not verified by that. id: 32 hex digits."""

    id: str
    counter: int


@dataclass(frozen=True)
class Seal:
    """What a file says to a device that takes signed files: claim None: it is unsigned. message: the bytes that were signed."""

    claim: Claim | None
    message: bytes
    signature: bytes


@dataclass(frozen=True)
class Signed:
    """A verified signature: the key's name and id, and the counter."""

    name: str
    id: str
    counter: int


def claim(data: bytes) -> Claim | None:
    """Of a file that the C reader has accepted; None where it is unsigned."""
    counter, identity = _PLACES.unpack_from(data, trailer_at(data) + _COUNTER)
    return Claim(identity.hex(), counter) if counter and any(identity) else None


def seal(data: bytes) -> Seal:
    """Of a file that the C reader has accepted."""
    start = trailer_at(data)
    return Seal(claim(data), data[start : start + _SIGNED], data[start + _SIGNED :][:SIGNATURE_BYTES])


def message(data: bytes, what: str, public: PublicKey, counter: int) -> bytes:
    """The bytes that `public`'s owner signs to give the file this counter. ModelError where the file is not sound."""
    check_file(data, what)
    if not 1 <= counter <= MAX_COUNTER:
        raise UsageError(f"the counter {counter} is not in 1 .. {MAX_COUNTER}", "a counter grows with every release: 1, 2, 3, ...")
    head = bytearray(data[trailer_at(data) :][:_SIGNED])
    _PLACES.pack_into(head, _COUNTER, counter, key_id(public.raw))
    return bytes(head)


def attach(data: bytes, what: str, public: PublicKey, counter: int, signature: bytes) -> bytes:
    """The signed file. SignatureError where the signature is not one of `public` over `message`."""
    head = message(data, what, public, counter)
    if not public.verifies(signature, head):
        text = f"{what}: the signature is not one of the key {public.name} ({public.id}) over this file with counter {counter}"
        raise SignatureError(text, "sign the bytes of `edgeq sign --digest`, with the same --counter and --public")
    start = trailer_at(data)
    trailer = head + signature
    return data[:start] + trailer + struct.pack("<I", native.crc32c(trailer)) + data[start + TRAILER_BYTES :]


def sign(data: bytes, what: str, key: PrivateKey, counter: int) -> bytes:
    """The signed file."""
    public = key.public("of the private key")
    return attach(data, what, public, counter, key.sign(message(data, what, public, counter)))


def verify(data: bytes, what: str, keys: Sequence[PublicKey]) -> Signed:
    """ModelError where the file is not sound; SignatureError where none of the keys has signed it as it lies."""
    check_file(data, what)
    sealed = seal(data)
    found = sealed.claim
    if found is None:
        raise SignatureError(f"{what} is not signed", "sign it with edgeq sign")
    key = next((key for key in keys if key.id == found.id), None)
    if key is None:
        known = ", ".join(f"{key.name} ({key.id})" for key in keys)
        raise SignatureError(f"{what} is signed by the key {found.id}, not by {known}", "verify it with the key of whoever signed it")
    if not key.verifies(sealed.signature, sealed.message):
        raise SignatureError(
            f"{what}: the signature of {key.name} ({key.id}) is wrong: the file or its trailer was changed after it was signed",
            "take the file from where it was signed, or sign it again",
        )
    return Signed(key.name, key.id, found.counter)


def read_signature(path: Path) -> bytes:
    """A detached signature: a file of 64 bytes, or of 128 hex digits."""
    place = Secret(file=path, option="--attach").place
    hint = "give what the key's owner returned"
    try:
        data = files.read_bytes(path, _MAX_DETACHED)
    except OSError as error:
        raise UsageError(f"the signature: {place}: {error.strerror or error}", hint) from None
    except ValueError as error:
        raise UsageError(f"the signature: {place}: {error}", hint) from None
    if len(data) == SIGNATURE_BYTES:
        return data
    try:
        raw = bytes.fromhex(data.decode("ascii").strip())
    except ValueError:
        raw = b""
    if len(raw) != SIGNATURE_BYTES:
        raise ModelError(f"{path}: {len(data)} bytes are no Ed25519 signature: expected 64 bytes or 128 hex digits", hint)
    return raw
