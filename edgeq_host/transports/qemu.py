"""`qemu:PORT`: the firmware of firmware/ports/PORT on an emulated chip, over its emulated serial line.

Each session switches the chip on. What its flash holds lasts: it is a file, the memory of the machine beside that of the program.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from edgeq_host import programs
from edgeq_host.errors import LinkError, UsageError
from edgeq_host.stream import ProcessStream
from edgeq_host.transports import DEFAULT, Closed, Options

# The ports that QEMU has a machine for, and the bytes that it wants there for the memory that holds the flash.
MACHINES: Mapping[str, int] = {
    "mps2_an385": 1 << 24,
    "mps2_an386": 1 << 24,
    "mps2_an500": 1 << 24,
    "mps2_an505": 1 << 24,
    "mps3_an547": 1 << 31,
}


class QemuTransport(ProcessStream):
    def __init__(self, port: str) -> None:
        """LinkError where it cannot be started, or its flash is in use."""
        image, program = programs.firmware(port), str(programs.emulator(programs.CORTEXM))
        path = programs.store(f"qemu_{port}") / "flash"
        self._flash = _locked(path, MACHINES[port])
        memory = f"memory-backend-file,id=flash,size={MACHINES[port]},mem-path={str(path).replace(',', ',,')},share=on"
        quiet = ["-display", "none", "-monitor", "none", "-serial", "stdio", "-nodefaults"]
        machine = ["-M", f"{port.replace('_', '-')},memory-backend=flash", "-object", memory]
        try:
            super().__init__([program, *machine, *quiet, "-kernel", str(image)], "install it again", _ended)
        except BaseException:
            self._flash.close()
            raise

    def close(self) -> None:
        """It is switched off; what was written to the flash is in the file."""
        self._process.kill()
        super().close()
        self._flash.close()


def _locked(path: Path, size: int) -> BinaryIO:
    """The file of a flash, locked until it is closed: one program at a time has the chip, as it would have its serial port. What has never
    been written takes no room on the disk."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")  # noqa: SIM115 (lives as long as the emulator)
    except OSError as error:
        raise LinkError(f"the flash of the emulated chip, {path}: {error.strerror or error}", "check the path and its rights") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.truncate(size)
    except OSError as error:
        file.close()
        busy = isinstance(error, BlockingIOError)
        text = "another program uses the emulated chip" if busy else f"{path}: {error.strerror or error}"
        raise LinkError(text, "repeat the command when it has ended" if busy else "make room on the disk") from error
    return file


def _ended(code: int | None, errors: str) -> Closed:
    said = errors[-400:].strip()
    return Closed("the emulator ended" + (f": {said}" if said else f" with code {code}"), code=code)


def check(rest: str) -> None:
    """UsageError for what is no port with a machine."""
    if rest not in MACHINES:
        raise UsageError(f"QEMU has no machine for the firmware {rest!r}", f"an address is qemu: and one of {', '.join(MACHINES)}")


def open_address(rest: str, options: Options = DEFAULT) -> QemuTransport:
    check(rest)
    return QemuTransport(rest)
