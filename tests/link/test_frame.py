"""COBS and frames, through the C code that host and device share."""

from __future__ import annotations

import ctypes
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgeq_host.linklib import library
from edgeq_runtime import native


class Frame(ctypes.Structure):
    _fields_ = [
        ("kind", ctypes.c_uint8),
        ("session", ctypes.c_uint16),
        ("offset", ctypes.c_uint32),
        ("payload", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
    ]


class Deframer(ctypes.Structure):
    _fields_ = [
        ("buffer", ctypes.c_void_p),
        ("room", ctypes.c_size_t),
        ("fill", ctypes.c_size_t),
        ("overlong", ctypes.c_int),
        ("dropped", ctypes.c_uint32),
    ]


LIB = library()
LIB.eq_cobs_encode.restype = ctypes.c_size_t
LIB.eq_cobs_encode.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
LIB.eq_cobs_decode.restype = ctypes.c_ssize_t
LIB.eq_cobs_decode.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
LIB.eq_frame_encode.restype = ctypes.c_size_t
LIB.eq_frame_encode.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.POINTER(Frame)]
LIB.eq_deframe.argtypes = [
    ctypes.POINTER(Deframer),
    ctypes.c_char_p,
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_size_t),
    ctypes.POINTER(Frame),
]


def cobs(data: bytes) -> bytes:
    out = ctypes.create_string_buffer(len(data) + len(data) // 254 + 1)
    return ctypes.string_at(out, LIB.eq_cobs_encode(out, data, len(data)))


def uncobs(data: bytes) -> bytes | None:
    out = ctypes.create_string_buffer(len(data) + 1)
    size = LIB.eq_cobs_decode(out, data, len(data))
    return None if size < 0 else ctypes.string_at(out, size)


def cobs_by_the_book(data: bytes) -> bytes:
    """The definition: groups of up to 254 bytes that are not zero, each after its length plus one."""
    out, rest = bytearray(), data + b"\0"
    while rest:
        size = min(rest.index(0), 254)
        out += bytes([size + 1]) + rest[:size]
        rest = rest[size + (size < 254) :]
        if size == 254 and rest == b"\0":
            break
    return bytes(out)


def encode(kind: int, session: int, offset: int, payload: bytes, room: int | None = None) -> bytes:
    memory = ctypes.create_string_buffer(payload, max(len(payload), 1))
    n = len(payload) + 11
    out = ctypes.create_string_buffer(n + n // 254 + 3 if room is None else room)
    frame = Frame(kind, session, offset, ctypes.addressof(memory), len(payload))
    return ctypes.string_at(out, LIB.eq_frame_encode(out, len(out), ctypes.byref(frame)))


class Receiver:
    def __init__(self, room: int = 600) -> None:
        self.memory = ctypes.create_string_buffer(room)
        self.deframer = Deframer(ctypes.addressof(self.memory), room, 0, 0, 0)

    def feed(self, data: bytes) -> list[tuple[int, int, int, bytes]]:
        found, used, frame = [], ctypes.c_size_t(), Frame()
        while LIB.eq_deframe(ctypes.byref(self.deframer), data, len(data), ctypes.byref(used), ctypes.byref(frame)):
            found.append((frame.kind, frame.session, frame.offset, ctypes.string_at(frame.payload, frame.size)))
            data = data[used.value :]
        return found


@given(st.binary(max_size=700))
@example(b"")
@example(b"\1" * 254)
@example(b"\1" * 255)
@example(b"\1" * 254 + b"\0")
@example(b"\1" * 508)
@example(b"\0" * 300)
def test_cobs_is_the_definition_and_comes_back(data: bytes) -> None:
    coded = cobs(data)
    assert coded == cobs_by_the_book(data)
    assert 0 not in coded and len(coded) <= len(data) + len(data) // 254 + 1
    assert uncobs(coded) == data


@given(st.binary(max_size=300))
def test_cobs_refuses_what_is_no_block_or_gives_what_encodes_to_it(data: bytes) -> None:
    plain = uncobs(data)
    if plain is not None and not (data[-255:-254] == b"\xff" and data[-1:] == b"\1"):
        assert len(plain) < len(data) and uncobs(cobs(plain)) == plain


def test_crc_is_castagnoli() -> None:
    assert native.crc32c(b"123456789") == 0xE3069283
    assert native.crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720 B.4


@given(st.integers(0, 255), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.binary(max_size=512))
def test_a_frame_comes_back_and_has_zeros_only_at_its_ends(kind: int, session: int, offset: int, payload: bytes) -> None:
    wire = encode(kind, session, offset, payload)
    assert wire[0] == wire[-1] == 0 and 0 not in wire[1:-1]
    assert Receiver().feed(wire) == [(kind, session, offset, payload)]


@pytest.mark.parametrize("size", [0, 1, 242, 243, 244, 496, 497, 498, 65536])
def test_a_frame_fits_exactly_into_its_bound(size: int) -> None:
    payload = random.Random(size).randbytes(size)
    n = size + 11
    wire = encode(3, 7, 9, payload)
    assert wire and encode(3, 7, 9, payload, n + n // 254 + 2) == b""
    assert Receiver(70000).feed(wire) == [(3, 7, 9, payload)]


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=900), max_size=4), st.data())
def test_no_noise_keeps_the_next_good_frame_from_arriving(noise: list[bytes], data: st.DataObject) -> None:
    receiver = Receiver()
    for part in noise:
        receiver.feed(part)
    good = encode(3, 1, 5, b"payload")
    cut = data.draw(st.integers(0, len(good)))
    receiver.feed(good[:cut])  # a half frame before it
    assert receiver.feed(good)[-1] == (3, 1, 5, b"payload")


@given(st.binary(min_size=1, max_size=80), st.data())
def test_a_changed_frame_is_never_taken_for_another(payload: bytes, data: st.DataObject) -> None:
    wire = bytearray(encode(3, 1, 5, payload))
    at = data.draw(st.integers(1, len(wire) - 2))
    wire[at] ^= data.draw(st.integers(1, 255))
    assert (3, 1, 5, payload) not in Receiver().feed(bytes(wire))


def test_a_block_longer_than_the_buffer_is_dropped_whole() -> None:
    receiver = Receiver(600)
    assert receiver.feed(encode(3, 1, 0, bytes(range(1, 251)) * 4)) == []
    assert receiver.deframer.dropped == 1
    assert receiver.feed(encode(3, 1, 0, b"next")) == [(3, 1, 0, b"next")]


@given(st.binary(max_size=400), st.integers(1, 7))
def test_frames_arrive_in_any_portions(payload: bytes, step: int) -> None:
    wire, receiver = encode(3, 1, 5, payload) + encode(4, 1, 6, b""), Receiver()
    found = [frame for at in range(0, len(wire), step) for frame in receiver.feed(wire[at : at + step])]
    assert found == [(3, 1, 5, payload), (4, 1, 6, b"")]
