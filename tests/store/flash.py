"""The store on flash, with the flash of firmware/ports/posix: every chip's geometry, and power that goes in any operation."""

from __future__ import annotations

import ctypes
import os
import subprocess
from ctypes import POINTER, c_char, c_char_p, c_uint8, c_uint32, c_void_p
from functools import cache
from pathlib import Path

from edgeq_runtime import build
from tests.store.binding import Ops, Refused, Store

PORT = Path(build.__file__).parents[1] / "firmware" / "ports" / "posix"
TORN = {"as before": 0, "as after": 1, "half": 2, "bits": 3, "garbage": 4}  # enum eq_torn


class Geometry(ctypes.Structure):
    """struct eq_flash."""

    _fields_ = [
        ("context", c_void_p),
        ("base", c_void_p),
        ("sectors", POINTER(c_uint32)),
        ("records", c_uint32),
        ("word", c_uint32),
        ("write_once", c_uint32),
        ("erase", c_void_p),
        ("program", c_void_p),
    ]


class Emulated(ctypes.Structure):
    """struct eq_posix_flash."""

    _fields_ = [
        ("flash", Geometry),
        ("writes", c_uint32),
        ("size", c_uint32),
        ("bytes", c_void_p),
        ("programmed", c_void_p),
        ("operations", c_uint32),
        ("erased", c_uint32),
        ("cut", c_uint32),
        ("torn", c_uint32),
        ("off", c_uint32),
        ("fails", c_uint32),
        ("ended", c_void_p),
        ("violation", c_char * 128),
    ]


@cache
def library() -> ctypes.CDLL:
    """The store on flash, the flash, and what both call."""
    config = build.config_for("lib", None, False)
    build.build("posix", config)
    on = build.enabled(config.cc)
    wanted = [
        p for p in build.target_sources("posix", on) if p.stem.startswith(("store_", "eq_crc", "eq_sha", "sha256")) or p == PORT / "flash.c"
    ]
    objects = [build.compile_one(config, on, source) for source in [*wanted, build.CSRC / "eq_cpu.c"]]
    output = config.folder / "libflash-test.so"
    fresh = output.with_name(f".{output.name}.{os.getpid()}")
    subprocess.run([*config.cc.split(), "-shared", "-Wl,-z,defs", *map(str, objects), "-o", str(fresh)], check=True)
    os.replace(fresh, output)
    lib = ctypes.CDLL(str(output))
    lib.eq_posix_flash_chip.restype = c_char_p
    return lib


def chips() -> list[str]:
    names: list[str] = []
    while name := library().eq_posix_flash_chip(len(names)):
        names.append(name.decode())
    return names


class Chip:
    """A chip's flash as it leaves the factory."""

    def __init__(self, name: str) -> None:
        self.name, self.lib = name, library()
        self.flash = Emulated()
        assert self.lib.eq_posix_flash_init(ctypes.byref(self.flash), name.encode(), None)
        self._room = self.flash.size + self.flash.size // self.flash.flash.word
        self._memory = ctypes.create_string_buffer(self._room + 64)
        self._base = -(-ctypes.addressof(self._memory) // 64) * 64
        self.lib.eq_posix_flash_init(ctypes.byref(self.flash), name.encode(), c_void_p(self._base))
        self.lib.eq_posix_flash_blank(ctypes.byref(self.flash))

    def image(self) -> bytes:
        """The flash with what is known of its words."""
        return ctypes.string_at(self._base, self._room)

    def restore(self, image: bytes) -> None:
        ctypes.memmove(self._base, image, self._room)

    def bytes(self) -> ctypes.Array[c_uint8]:
        """As the processor sees them; a test may change them."""
        return (c_uint8 * self.flash.size).from_address(self._base)

    def start(self, cut: int = 0, torn: int = 0, fails: int = 0) -> Store:
        """Power comes, and goes in operation `cut`; operation `fails` does nothing and says so."""
        self.flash.operations = self.flash.erased = self.flash.off = 0
        self.flash.cut, self.flash.torn, self.flash.fails = cut, torn, fails
        memory = ctypes.create_string_buffer(4096)
        self.lib.eq_flash_store_init(memory, ctypes.byref(self.flash))
        store = Store(Ops.from_buffer(memory), self.lib)
        store.chip = self  # type: ignore[attr-defined]
        return store

    def check(self) -> None:
        """Nothing was done that the chip cannot do."""
        assert not self.flash.violation, self.flash.violation.decode()


__all__ = ["TORN", "Chip", "Refused", "chips", "library"]
