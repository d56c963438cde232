"""SHA-256 and CRC-32C of the core."""

from __future__ import annotations

import ctypes
import hashlib

import pytest

from edgeq_runtime import native


def sha256(*pieces: bytes) -> bytes:
    """Through begin, add and end."""
    lib = native.library()
    state, digest = ctypes.create_string_buffer(128), ctypes.create_string_buffer(32)
    lib.eq_sha256_add.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
    lib.eq_sha256_begin(state)
    for piece in pieces:
        lib.eq_sha256_add(state, piece, len(piece))
    lib.eq_sha256_end(state, digest)
    return digest.raw


@pytest.mark.parametrize("size", [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 1000, 100_000])
def test_sha256_of_any_length_in_any_pieces(size: int) -> None:
    data = bytes(i * 7 % 251 for i in range(size))
    want = hashlib.sha256(data).digest()
    assert sha256(data) == want
    for cut in (0, 1, 31, 64, size // 2):
        assert sha256(data[:cut], data[cut:]) == want
    assert sha256(*(data[i : i + 13] for i in range(0, size, 13))) == want


def test_crc32c_has_the_check_value_and_continues() -> None:
    assert native.crc32c(b"123456789") == 0xE3069283
    assert native.crc32c(b"") == 0
    assert native.crc32c(b"6789", native.crc32c(b"12345")) == 0xE3069283
