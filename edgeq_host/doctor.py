"""What works on this machine and what to do about what does not."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edgeq_host import programs
from edgeq_host.boards import SHIPPED, read_board
from edgeq_host.errors import EdgeqError
from edgeq_host.ssh import report
from edgeq_host.targets import Target
from edgeq_host.units import counted, quantity

REQUIRED = ("numpy", "onnx", "tflite", "flatbuffers", "paramiko", "pillow", "pyserial", "click", "rich")
EXTRAS = {"torch": "PyTorch models", "onnxscript": "PyTorch models", "ai-edge-litert": "make bench"}


@dataclass(frozen=True)
class Finding:
    """state: "ok", "missing" (an extra: fine without it) or "fails". hint: what to do."""

    what: str
    state: str
    text: str
    hint: str = ""


def examine(target: Target | None) -> Iterator[Finding]:
    """One finding after the other; the agent of a device is started where one is given."""
    yield _python()
    yield from (_package(name, "") for name in REQUIRED)
    yield from (_package(name, purpose) for name, purpose in EXTRAS.items())
    yield _guarded("runtime library", _library)
    yield _guarded("ssh", report.client)
    yield _guarded("ssh files", report.files)
    yield from _emulators()
    if target is not None:
        yield _guarded(f"agent on {target.name}", lambda: _agent(target))


def _python() -> Finding:
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("Python", "ok", text)


def _package(name: str, purpose: str) -> Finding:
    try:
        return Finding(name, "ok", importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        if purpose:
            return Finding(name, "missing", f"only for {purpose}", f"pip install {name}")
        return Finding(name, "fails", "not installed", f"pip install {name}")


def _emulators() -> Iterator[Finding]:
    """Of the boards that are emulated; who has no use for them needs none."""
    shipped = map(read_board, SHIPPED.glob("*.toml"))  # one of the user's that is wrong must not be in the way here
    for arch in sorted({board.chip.arch for board in shipped if board.evidence.kind == "emulated" and board.link}):
        try:
            yield Finding(f"emulator of {arch}", "ok", str(programs.emulator(arch)))
        except EdgeqError as error:
            yield Finding(f"emulator of {arch}", "missing", f"only for emulated boards: {error.message}", error.hint)


def _guarded(what: str, look: Callable[[], str]) -> Finding:
    from edgeq_runtime import native

    try:
        return Finding(what, "ok", look())
    except EdgeqError as error:
        return Finding(what, "fails", error.message, error.hint)
    except native.Error as error:
        return Finding(what, "fails", str(error), "build it with: python -m edgeq_runtime.build")


def _library() -> str:
    from edgeq_runtime import native

    native.library()
    return f"instruction sets {', '.join(native.isas())}"


def _agent(target: Target) -> str:
    from edgeq_host.deploy import status

    found = status(target)
    free, models = quantity(found.device.store_free, "B"), counted(len(found.models), "model")
    return f"{found.device.agent}, {', '.join(found.device.isa_names)}, {models}, {free} free in the store"
