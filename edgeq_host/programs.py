"""The words of a command in a board's `link`: placeholders for programs and places that differ from machine to machine."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

from edgeq_host import agents
from edgeq_host.errors import LinkError, UsageError
from edgeq_runtime import agent

CORTEXM = "cortexm"  # the architecture of microcontrollers: their agent is firmware
_PLACEHOLDER = re.compile(r"\{(\w+)(?::(\w+))?\}")


def agent_path() -> Path:
    """EDGEQ_AGENT, or the agent in the package edgeq_runtime: for this machine."""
    return Path(os.environ.get("EDGEQ_AGENT") or agent.path())


def _device_agent(arch: str) -> Path:
    """The static agent of an architecture, for an emulator, which starts only what may be executed."""
    path = agents.find(arch).path
    if not os.access(path, os.X_OK):
        raise UsageError(f"{path} may not be executed", f"chmod +x {shlex.quote(str(path))}")
    return path


def emulator(arch: str) -> Path:
    """qemu-user for an architecture, or the machine of a microcontroller. LinkError with the package to install where it is missing."""
    chip = arch == CORTEXM
    names = ["qemu-system-arm"] if chip else [f"qemu-{arch}", f"qemu-{arch}-static"]
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        package = "qemu-system-arm" if chip else "qemu-user"
        raise LinkError(f"cannot start {' or '.join(names)}: not found", f"install it; on Debian or Ubuntu: sudo apt-get install {package}")
    return Path(found)


_BESIDE = Path(__file__).resolve().parents[1]
FIRMWARE = _BESIDE / "build" / "firmware"  # what `make firmware` makes


def firmware(port: str) -> Path:
    """The image of a port of firmware/ports. LinkError where it is not built."""
    path = FIRMWARE / port / "edgeq.elf"
    if not path.is_file():
        raise LinkError(
            f"the firmware {port} is not there: no {path}",
            f"in a clone of edgeq, build it with: python -m edgeq_runtime.build firmware {port} (it needs gcc-arm-none-eabi)",
        )
    return path


def store(name: str) -> Path:
    """The store of an emulated board on this machine, beside that of `local`."""
    own = os.environ.get("EDGEQ_STORE")
    if own:
        return Path(f"{own}.{name}")
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "edgeq" / name


def _value(what: str, which: str | None) -> str | None:
    if what == "agent":
        return str(_device_agent(which) if which else agent_path())
    if which and what == "qemu":
        return str(emulator(which))
    if which and what == "store":
        return str(store(which))
    return None


def words(command: str) -> list[str]:
    """The command's words, each placeholder replaced. UsageError where it cannot be split or names something else."""
    try:
        parts = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"the command {command!r} cannot be split into words: {error}", "close its quotes") from error
    if not parts:
        raise UsageError("the command is empty", "an address such as pipe:{agent} names a program")
    return [_PLACEHOLDER.sub(lambda match: _replaced(match, command), part) for part in parts]


def _replaced(match: re.Match[str], command: str) -> str:
    value = _value(match[1], match[2])
    if value is None:
        raise UsageError(f"{match[0]} in the command {command!r} is not known", "known: {agent}, {agent:ARCH}, {qemu:ARCH}, {store:NAME}")
    return value
