"""The store's log as bytes: SPEC.md section 5.6, written a second time."""

from __future__ import annotations

import ctypes
import hashlib
import struct

from tests.store.binding import LIB

RECORD = struct.Struct("<IIQIiHBx32s64s")  # number, software, time, version, detail, fault, event, zero, SHA-256, name
SIZE = 128
PER_FILE = 256
TIME_MS = 1_700_000_000_000


def sealed(body: bytes) -> bytes:
    """With its CRC-32C."""
    LIB.eq_crc32c.restype = ctypes.c_uint32
    return body + struct.pack("<I", LIB.eq_crc32c(0, body, ctypes.c_size_t(len(body))))


def entry(
    number: int, event: int, name: str, version: int, data: bytes = b"", fault: int = 0, detail: int = 0, software: int = 0x100
) -> bytes:
    """data: of the file; its SHA-256 is in the entry."""
    digest = hashlib.sha256(data).digest() if data else bytes(32)
    return sealed(RECORD.pack(number, software, TIME_MS, version, detail, fault, event, digest, name.encode()))


def full(first: int) -> bytes:
    """A file that is full, of entries from `first` on."""
    return b"".join(entry(number, 1, "other", number) for number in range(first, first + PER_FILE))
