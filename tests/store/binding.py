"""The store of csrc/agent through ctypes, on any table of file operations."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, c_char, c_char_p, c_int, c_int32, c_size_t, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p
from typing import Any

from edgeq_host.wire import events, faults
from edgeq_runtime import native
from edgeq_runtime.store import State, Version

LIB = ctypes.CDLL(native.library()._name)  # an object of its own: signatures set on it must not meet those of edgeq_runtime.store
FAULT = {fault.name: number for number, fault in faults().items()}

OPERATIONS: dict[str, Any] = {
    "open": CFUNCTYPE(c_int, c_void_p, c_char_p),
    "write": CFUNCTYPE(c_int, c_void_p, c_int, c_void_p, c_size_t),
    "fsync": CFUNCTYPE(c_int, c_void_p, c_int),
    "close": CFUNCTYPE(c_int, c_void_p, c_int),
    "rename": CFUNCTYPE(c_int, c_void_p, c_char_p, c_char_p),
    "unlink": CFUNCTYPE(c_int, c_void_p, c_char_p),
    "mkdir": CFUNCTYPE(c_int, c_void_p, c_char_p),
    "rmdir": CFUNCTYPE(c_int, c_void_p, c_char_p),
    "fsync_dir": CFUNCTYPE(c_int, c_void_p, c_char_p),
    "list": CFUNCTYPE(c_int, c_void_p, c_char_p, c_uint32, POINTER(c_char), c_size_t),
    "map": CFUNCTYPE(c_int, c_void_p, c_char_p, POINTER(c_void_p), POINTER(c_size_t)),
    "unmap": CFUNCTYPE(None, c_void_p, c_void_p, c_size_t),
    "lock": CFUNCTYPE(c_int, c_void_p),
    "unlock": CFUNCTYPE(None, c_void_p),
    "free_bytes": CFUNCTYPE(c_uint64, c_void_p),
    "time_ms": CFUNCTYPE(c_uint64, c_void_p),
}


class Ops(ctypes.Structure):
    _fields_ = [("context", c_void_p), *OPERATIONS.items()]


class Upload(ctypes.Structure):
    _fields_ = [
        ("ops", c_void_p),
        ("name", c_char * 64),
        ("part", c_char * 160),
        ("state", State),
        ("wanted", Version),
        ("offset", c_uint64),
        ("file", c_int),
        ("checked", c_int),
        ("hash", ctypes.c_uint64 * 13),  # struct eq_sha256
        ("counter", c_uint64),
    ]


class Files(ctypes.Structure):
    _fields_ = [("ops", Ops), ("root", c_char * 3072), ("lock", c_int)]


class Model(ctypes.Structure):
    _fields_ = [("ops", c_void_p), ("name", c_char * 64), ("version", Version), ("data", c_void_p), ("size", c_size_t)]


class Event(ctypes.Structure):
    """struct eq_store_event."""

    _fields_ = [
        ("number", c_uint32),
        ("time_ms", c_uint64),
        ("event", c_uint8),
        ("fault", c_uint16),
        ("detail", c_int32),
        ("version", c_uint32),
        ("software", c_uint32),
        ("sha256", c_uint8 * 32),
        ("name", c_char * 64),
    ]


SEEN = CFUNCTYPE(c_int, c_void_p, POINTER(Event))
ADMIT = CFUNCTYPE(c_int, c_void_p, POINTER(State), POINTER(Version), c_void_p, POINTER(c_uint64), POINTER(c_int32))
HEALTH = CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t, POINTER(c_int32))
Health = Callable[[bytes], int]


class Refused(Exception):
    """A fault of the store, by its name in protocol.def."""

    def __init__(self, number: int) -> None:
        super().__init__(faults()[number].name)


def check(result: int) -> None:
    if result:
        raise Refused(result)


def healthy(_: bytes) -> int:
    return 0


def admitted(counter: int) -> Any:
    """What the agent gives the store to ask: here every file passes, with this counter."""

    def admit(_: Any, state: Any, version: Any, data: Any, found: Any, detail: Any) -> int:
        found[0] = counter
        return 0

    return ADMIT(admit)


class Store:
    """The calls of eq_store.h as a host or the agent makes them. lib: who implements them."""

    def __init__(self, ops: Ops, lib: ctypes.CDLL = LIB) -> None:
        self.ops, self.lib = ops, lib

    def read(self, name: str) -> State:
        state = State()
        check(self.lib.eq_store_read(ctypes.byref(self.ops), name.encode(), ctypes.byref(state)))
        return state

    def state(self, name: str) -> State:
        """As read, but that of a model that is not installed is no error."""
        state = State()
        result = self.lib.eq_store_read(ctypes.byref(self.ops), name.encode(), ctypes.byref(state))
        check(0 if result == FAULT["missing"] else result)
        return state

    def versions(self, name: str, known: bytes = b"") -> tuple[bytes, ...] | None:
        """The bytes of every version, the current one first; None: not installed. Refused where a record or a file is missing or damaged;
        a file that is `known` may be."""
        state = self.state(name)
        return tuple(self._bytes(name, version, known) for version in state.versions[: state.count]) or None

    def current(self, name: str) -> tuple[bytes, bytes | None] | None:
        """The bytes of the current and the previous version."""
        found = self.versions(name)
        return found and (found[0], found[1] if len(found) > 1 else None)

    def _bytes(self, name: str, version: Version, known: bytes) -> bytes:
        data = self.open(name, version.version)
        assert data == known or hashlib.sha256(data).digest() == bytes(version.sha256), f"version {version.version} is damaged"
        return data

    def open(self, name: str, version: int = 0) -> bytes:
        model = Model()
        check(self.lib.eq_store_open(ctypes.byref(model), ctypes.byref(self.ops), name.encode(), version))
        data = ctypes.string_at(model.data, model.size)
        self.lib.eq_store_close(ctypes.byref(model))
        return data

    def deploy(self, name: str, data: bytes, health: Health = healthy, step: int = 1 << 16, keep: int = 0, counter: int = 0) -> int:
        """As the host does it, with its one repetition after a damaged resume. The version; 0 where it was current.
        counter: that of a file whose signature was found right, 0: it is not signed."""
        try:
            return self._deploy(name, data, health, step, keep, counter)
        except Refused as refused:
            if str(refused) != "hash":
                raise
            return self._deploy(name, data, health, step, keep, counter)

    def _deploy(self, name: str, data: bytes, health: Health, step: int, keep: int, counter: int) -> int:
        upload, current, version = Upload(), c_int(), c_uint32()
        u = ctypes.byref(upload)
        digest = (c_uint8 * 32)(*hashlib.sha256(data).digest())
        check(self.lib.eq_store_begin(u, ctypes.byref(self.ops), name.encode(), c_uint64(len(data)), digest, ctypes.byref(current)))
        if current.value:
            return 0
        try:
            for at in range(upload.offset, len(data), step):
                part = data[at : at + step]
                check(self.lib.eq_store_write(u, c_uint64(at), part, c_size_t(len(part))))
            check(self.lib.eq_store_finish(u, admitted(counter), None, ctypes.byref(c_int32())))
            call = HEALTH(lambda _, address, size, detail: health(ctypes.string_at(address, size)))
            check(self.lib.eq_store_commit(u, keep, call, None, ctypes.byref(version)))
        finally:
            self.lib.eq_store_abort(u)
        return version.value

    def rollback(self, name: str, health: Health = healthy, version: int = 0) -> State:
        state = State()
        call = HEALTH(lambda _, address, size, detail: health(ctypes.string_at(address, size)))
        check(self.lib.eq_store_rollback(ctypes.byref(self.ops), name.encode(), version, call, None, ctypes.byref(state)))
        return state

    def remove(self, name: str, version: int = 0) -> None:
        check(self.lib.eq_store_remove(ctypes.byref(self.ops), name.encode(), version))

    def keep(self, name: str, keep: int) -> State:
        state = State()
        check(self.lib.eq_store_keep(ctypes.byref(self.ops), name.encode(), keep, ctypes.byref(state)))
        return state

    def retained(self, name: str) -> list[tuple[int, bytes]]:
        """Number and bytes of every version, the current one first."""
        state = self.read(name)
        return [(v.version, self._bytes(name, v, b"")) for v in state.versions[: state.count]]

    def log(self) -> list[tuple[int, str, str, int, str]]:
        """Number, event, model, version and fault of every entry."""
        found: list[tuple[int, str, str, int, str]] = []

        def seen(_: Any, event: Any) -> int:
            e = event.contents
            fault = faults()[e.fault].name if e.fault else ""
            found.append((e.number, events()[e.event].name, e.name.decode(), e.version, fault))
            return 0

        check(self.lib.eq_store_log(ctypes.byref(self.ops), SEEN(seen), None))
        return found

    def failed_before(self, data: bytes) -> bool:
        digest = (c_uint8 * 32)(*hashlib.sha256(data).digest())
        return bool(self.lib.eq_store_failed_before(ctypes.byref(self.ops), digest))

    def unfinished(self, name: str) -> int:
        """Bytes of uploads that were not installed."""
        size = c_uint64()
        self.lib.eq_store_unfinished(ctypes.byref(self.ops), name.encode(), ctypes.byref(size))
        return size.value

    def names(self) -> list[str]:
        found, name = [], ctypes.create_string_buffer(64)
        while (err := self.lib.eq_store_name(ctypes.byref(self.ops), len(found), name, c_size_t(64))) == 0:
            found.append(name.value.decode())
        assert err == FAULT["missing"]
        return sorted(found)


def on_files(root: str) -> Store:
    """The store as it is on Linux."""
    files = Files()
    LIB.eq_store_files_init.restype = c_void_p
    assert LIB.eq_store_files_init(ctypes.byref(files), root.encode())
    store = Store(files.ops)
    store.files = files  # type: ignore[attr-defined]  # the table points into it
    return store
