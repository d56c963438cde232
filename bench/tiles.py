"""Measure the other engines as on a CPU without AMX: Linux gives the tiles of AMX to a process only when it asks, and we can say no."""

from __future__ import annotations

import ctypes
import struct
import sys
from pathlib import Path

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _MODE_FILTER = 22, 38, 2
_ARCH_PRCTL, _REQUEST_TILES = 158, 0x1023  # ARCH_REQ_XCOMP_PERM
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 1  # EPERM
_NUMBER, _FIRST_ARGUMENT = 0, 16  # offsets in struct seccomp_data


def here() -> bool:
    return "amx_int8" in Path("/proc/cpuinfo").read_text()


def refuse() -> None:
    """For this process, from now on. Engines ask when they are loaded."""
    steps = [
        (_LOAD, 0, 0, _NUMBER),
        (_EQUAL, 0, 3, _ARCH_PRCTL),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_EQUAL, 0, 1, _REQUEST_TILES),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *step) for step in steps))
    program = struct.pack("<HxxxxxxQ", len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, program, 0, 0):
        sys.exit(f"error: this system does not let a process give up AMX (errno {ctypes.get_errno()})")
