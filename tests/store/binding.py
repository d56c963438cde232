"""The store of csrc/agent through ctypes, on any table of file operations."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, c_char, c_char_p, c_int, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from typing import Any

from edgeq_host.wire import faults
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
    ]


class Files(ctypes.Structure):
    _fields_ = [("ops", Ops), ("root", c_char * 3072), ("lock", c_int)]


class Model(ctypes.Structure):
    _fields_ = [("ops", c_void_p), ("name", c_char * 64), ("version", Version), ("data", c_void_p), ("size", c_size_t)]


HEALTH = CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t)
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


class Store:
    """The calls of eq_store.h as a host or the agent makes them."""

    def __init__(self, ops: Ops) -> None:
        self.ops = ops

    def read(self, name: str) -> State:
        state = State()
        check(LIB.eq_store_read(ctypes.byref(self.ops), name.encode(), ctypes.byref(state)))
        return state

    def current(self, name: str, known: bytes = b"") -> tuple[bytes, bytes | None] | None:
        """Bytes of the current and the previous version; None: not installed. Refused where a record or a file is missing or damaged;
        a file that is `known` may be."""
        try:
            state = self.read(name)
        except Refused as refused:
            if str(refused) == "missing":
                return None
            raise
        found = [self._bytes(name, version, known) for version in state.versions[:2] if version.version]
        return found[0], found[1] if len(found) > 1 else None

    def _bytes(self, name: str, version: Version, known: bytes) -> bytes:
        data = self.open(name, version.version)
        assert data == known or hashlib.sha256(data).digest() == bytes(version.sha256), f"version {version.version} is damaged"
        return data

    def open(self, name: str, version: int = 0) -> bytes:
        model = Model()
        check(LIB.eq_store_open(ctypes.byref(model), ctypes.byref(self.ops), name.encode(), version))
        data = ctypes.string_at(model.data, model.size)
        LIB.eq_store_close(ctypes.byref(model))
        return data

    def deploy(self, name: str, data: bytes, health: Health = healthy, step: int = 1 << 16, keep: int = 0) -> int:
        """As the host does it, with its one repetition after a damaged resume. The version; 0 where it was current."""
        try:
            return self._deploy(name, data, health, step, keep)
        except Refused as refused:
            if str(refused) != "hash":
                raise
            return self._deploy(name, data, health, step, keep)

    def _deploy(self, name: str, data: bytes, health: Health, step: int, keep: int) -> int:
        upload, current, version = Upload(), c_int(), c_uint32()
        u = ctypes.byref(upload)
        digest = (c_uint8 * 32)(*hashlib.sha256(data).digest())
        check(LIB.eq_store_begin(u, ctypes.byref(self.ops), name.encode(), c_uint64(len(data)), digest, ctypes.byref(current)))
        if current.value:
            return 0
        try:
            for at in range(upload.offset, len(data), step):
                part = data[at : at + step]
                check(LIB.eq_store_write(u, c_uint64(at), part, c_size_t(len(part))))
            check(LIB.eq_store_finish(u))
            call = HEALTH(lambda _, address, size: health(ctypes.string_at(address, size)))
            check(LIB.eq_store_commit(u, keep, call, None, ctypes.byref(version)))
        finally:
            LIB.eq_store_abort(u)
        return version.value

    def rollback(self, name: str, health: Health = healthy, version: int = 0) -> State:
        state = State()
        call = HEALTH(lambda _, address, size: health(ctypes.string_at(address, size)))
        check(LIB.eq_store_rollback(ctypes.byref(self.ops), name.encode(), version, call, None, ctypes.byref(state)))
        return state

    def remove(self, name: str, version: int = 0) -> None:
        check(LIB.eq_store_remove(ctypes.byref(self.ops), name.encode(), version))

    def keep(self, name: str, keep: int) -> State:
        state = State()
        check(LIB.eq_store_keep(ctypes.byref(self.ops), name.encode(), keep, ctypes.byref(state)))
        return state

    def retained(self, name: str) -> list[tuple[int, bytes]]:
        """Number and bytes of every version, the current one first."""
        state = self.read(name)
        return [(v.version, self._bytes(name, v, b"")) for v in state.versions[: state.count]]

    def names(self) -> list[str]:
        found, name = [], ctypes.create_string_buffer(64)
        while (err := LIB.eq_store_name(ctypes.byref(self.ops), len(found), name, c_size_t(64))) == 0:
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
