"""The device's side of signatures (csrc/agent/eq_trust.h) through ctypes: the objects of the agent in a library of their own."""

from __future__ import annotations

import ctypes
import hashlib
import subprocess
from ctypes import c_char, c_int32, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from functools import cache
from pathlib import Path

from edgeq_runtime import build
from edgeq_runtime.store import State, Version
from tests.store.binding import Ops, check

PROOF_BYTES = 108


class Bytes(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("size", c_size_t)]


class Key(ctypes.Structure):
    _fields_ = [("bytes", c_uint8 * 32), ("name", c_char * 32)]


class Keys(ctypes.Structure):
    _fields_ = [("places", Key * 2)]


class Change(ctypes.Structure):
    _fields_ = [("operation", c_uint32), ("key", Key)]


@cache
def library() -> ctypes.CDLL:
    config = build.config_for("agent", None, False)
    on = build.enabled(config.cc)
    sources = [s for s in build.target_sources("agent", on) if s.name != "main.c"]
    objects = [str(build.compile_one(config, on, source)) for source in sources]
    output = config.folder / "signing-test.so"
    link = [*config.cc.split(), "-shared", "-Wl,-Bsymbolic", "-Wl,-z,defs", *objects, "-lm", "-pthread", "-o", str(output) + f".{id(on)}"]
    subprocess.run(link, check=True)
    Path(link[-1]).replace(output)
    found = ctypes.CDLL(str(output))
    found.eq_sha512.restype = None
    found.eq_key_proof.restype = None
    return found


def sha512(*parts: bytes) -> bytes:
    views = (Bytes * len(parts))(*(Bytes(ctypes.cast(ctypes.c_char_p(p), c_void_p), len(p)) for p in parts))
    out = (c_uint8 * 64)()
    library().eq_sha512(views, len(parts), out)
    return bytes(out)


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    result = library().eq_ed25519_verify(signature, key, message, c_size_t(len(message)))
    assert result in (0, -1)
    return bool(result == 0)


def key_ok(key: bytes) -> bool:
    return bool(library().eq_ed25519_key_ok(key))


def read_keys(ops: Ops) -> list[tuple[bytes, str]]:
    """By place; the free ones are left out."""
    keys = Keys()
    check(library().eq_keys_read(ctypes.byref(ops), ctypes.byref(keys)))
    return [(bytes(k.bytes), k.name.decode()) for k in keys.places if k.name]


def change(ops: Ops, operation: int, key: bytes, name: str, nonce: bytes | None = None, signature: bytes = b"") -> None:
    wanted = Change(operation, Key((c_uint8 * 32)(*key), name.encode()))
    given = Bytes(ctypes.cast(ctypes.c_char_p(signature), c_void_p), len(signature))
    check(library().eq_keys_change(ctypes.byref(ops), ctypes.byref(wanted), nonce, given))


def proof(operation: int, key: bytes, name: str, nonce: bytes) -> bytes:
    wanted = Change(operation, Key((c_uint8 * 32)(*key), name.encode()))
    out = (c_uint8 * PROOF_BYTES)()
    library().eq_key_proof(out, ctypes.byref(wanted), nonce)
    return bytes(out)


def admit(ops: Ops, data: bytes, state: State | None = None) -> int:
    """The counter with which a device takes a file; Refused otherwise."""
    file = Version(size=len(data), sha256=(c_uint8 * 32)(*hashlib.sha256(data).digest()))
    counter, detail, memory = c_uint64(), c_int32(), ctypes.create_string_buffer(data, len(data) or 1)
    before = ctypes.byref(state) if state is not None else None
    numbers = ctypes.byref(counter), ctypes.byref(detail)
    check(library().eq_trust_admit(ctypes.byref(ops), before, ctypes.byref(file), memory, *numbers))
    return counter.value
