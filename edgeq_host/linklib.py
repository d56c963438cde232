"""The C code of the link (csrc/agent) through ctypes: host and device run the same."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_size_t, c_uint8, c_uint16, c_uint32, c_void_p
from functools import cache

from edgeq_runtime import native

_BUFFER = c_void_p


class Limits(ctypes.Structure):
    """struct eq_link_limits."""

    _fields_ = [("max_payload", c_uint32), ("window", c_uint32), ("max_message", c_uint32), ("software", c_uint32)]


class Hello(ctypes.Structure):
    """struct eq_msg_hello."""

    _fields_ = [
        ("newest", c_uint16),
        ("oldest", c_uint16),
        ("software", c_uint32),
        ("max_payload", c_uint32),
        ("window", c_uint32),
        ("max_message", c_uint32),
        ("reliable", c_uint8),
    ]


class State(ctypes.Structure):
    """struct eq_link_state."""

    _fields_ = [
        ("peer", Hello),
        ("protocol", c_uint16),
        ("open", c_uint8),
        ("fresh", c_uint8),
        ("gone", c_uint8),
        ("quiet_ms", c_uint32),
        ("payload", c_uint32),
        ("frames_sent", c_uint32),
        ("frames_lost", c_uint32),
        ("frames_dropped", c_uint32),
    ]


@cache
def library() -> ctypes.CDLL:
    """libedgeq with the signatures of the link set."""
    lib = native.library()
    signatures: dict[str, tuple[object, list[object]]] = {
        "eq_link_bytes": (c_size_t, [POINTER(Limits)]),
        "eq_link_init": (c_void_p, [_BUFFER, POINTER(Limits)]),
        "eq_link_connect": (None, [c_void_p, c_uint16, c_uint32]),
        "eq_link_trust": (None, [c_void_p]),
        "eq_link_receive": (None, [c_void_p, ctypes.c_char_p, c_size_t, c_uint32]),
        "eq_link_transmit": (c_size_t, [c_void_p, _BUFFER, c_size_t, c_uint32]),
        "eq_link_wait": (c_uint32, [c_void_p, c_uint32]),
        "eq_link_write": (c_size_t, [c_void_p, ctypes.c_char_p, c_size_t]),
        "eq_link_pending": (c_uint32, [c_void_p]),
        "eq_link_read": (c_size_t, [c_void_p, _BUFFER, c_size_t]),
        "eq_link_touch": (None, [c_void_p]),
        "eq_link_look": (None, [c_void_p, c_uint32, POINTER(State)]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


class Endpoint:
    """One end of a link: bytes in, bytes out, the time in milliseconds given. Pure; whoever uses it moves the bytes."""

    def __init__(self, limits: Limits) -> None:
        self._lib = library()
        self.limits = limits
        self._memory = (ctypes.c_uint64 * (self._lib.eq_link_bytes(ctypes.byref(limits)) // 8 + 1))()
        self._link = c_void_p(self._lib.eq_link_init(self._memory, ctypes.byref(limits)))
        if not self._link:
            raise ValueError("link limits out of range: payload 64..65536, window a power of two of at least two payloads")
        room = limits.max_payload + limits.max_payload // 254 + 64
        self._out = ctypes.create_string_buffer(room)
        self._in = ctypes.create_string_buffer(1 << 16)

    def connect(self, session: int, now_ms: int, reliable: bool = False) -> None:
        """reliable: the line below loses nothing; begin with the largest frames."""
        self._lib.eq_link_connect(self._link, session, now_ms & 0xFFFFFFFF)
        if reliable:
            self._lib.eq_link_trust(self._link)

    def receive(self, data: bytes, now_ms: int) -> None:
        self._lib.eq_link_receive(self._link, data, len(data), now_ms & 0xFFFFFFFF)

    def transmit(self, now_ms: int) -> bytes:
        """The next frame that is due; empty where none is."""
        size = self._lib.eq_link_transmit(self._link, self._out, len(self._out), now_ms & 0xFFFFFFFF)
        return ctypes.string_at(self._out, size)

    def wait_ms(self, now_ms: int) -> int:
        return int(self._lib.eq_link_wait(self._link, now_ms & 0xFFFFFFFF))

    def write(self, data: bytes) -> int:
        return int(self._lib.eq_link_write(self._link, data, len(data)))

    def touch(self) -> None:
        """Let an acknowledgement be sent, though nothing came."""
        self._lib.eq_link_touch(self._link)

    def pending(self) -> int:
        """Bytes that were written and have not been acknowledged."""
        return int(self._lib.eq_link_pending(self._link))

    def read(self) -> bytes:
        """What has come, in order; at most 64 KiB a call."""
        size = self._lib.eq_link_read(self._link, self._in, len(self._in))
        return ctypes.string_at(self._in, size)

    def state(self, now_ms: int) -> State:
        state = State()
        self._lib.eq_link_look(self._link, now_ms & 0xFFFFFFFF, ctypes.byref(state))
        return state
