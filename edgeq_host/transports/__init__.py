"""Ways to reach a device. An address is `scheme:rest`; the scheme is the file in this folder that opens it."""

from __future__ import annotations

import importlib
import pkgutil
import threading
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from edgeq_host.errors import UsageError


@dataclass(frozen=True)
class Options:
    """How to open an address. ssh: "openssh", "paramiko" or empty: the first that is there. identity: a key file, empty: the user's own.
    no_input: nobody is asked for anything, as where there is no terminal. cancel: once it is set, the session ends.
    passing: nothing is to stay on the device, an agent that had to be sent neither."""

    ssh: str = ""
    identity: str = ""
    accept_new_host_key: bool = False
    no_input: bool = False
    cancel: threading.Event | None = None
    passing: bool = False


DEFAULT = Options()


class Transport(Protocol):
    """A stream of bytes in both directions. `read` and `write` raise Closed once the other end has gone."""

    reliable: bool  # no byte is lost or changed on the way
    brought: int  # bytes of the agent, where it was not there and had to be sent first

    def read(self, size: int, timeout_s: float) -> bytes:
        """At most `size` bytes; empty where nothing came in time."""

    def write(self, data: bytes, timeout_s: float) -> None:
        """All of it. What arrives meanwhile is kept for `read`. Stuck once the other end has taken nothing for timeout_s."""

    def close(self) -> None:
        """Release everything; more than once is allowed."""


class Program(Transport, Protocol):
    """A program of the device, on its standard input and output."""

    def explain(self, code: int | None, said: str) -> Exception:
        """The error where it ended before it was of use. said: the last that came from the device."""


@runtime_checkable
class Returning(Transport, Protocol):
    """It may go away and come back while it is open; the device behind it may have started anew. What was on the way is lost."""

    returned_s: float | None  # when it last came back, of time.monotonic; None: it never went away


@runtime_checkable
class Line(Transport, Protocol):
    """A line whose speed can be changed, in baud: at the start, the highest that is wanted, and now."""

    base: int
    fastest: int
    baud: int

    def set_speed(self, baud: int) -> bool:
        """Once all that was written has gone out. False where it cannot be; it has the speed that it had."""


class Closed(Exception):
    """The stream has ended; the text says what is known of the reason. usage: the agent did not take its settings. code: exit code of
    the process at the other end, or of the client in between; None where it is not known."""

    def __init__(self, text: str, usage: bool = False, code: int | None = None) -> None:
        super().__init__(text)
        self.usage = usage
        self.code = code


class Stuck(Exception):
    """The other end takes no more bytes."""


def schemes() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def open_transport(address: str, options: Options = DEFAULT) -> Transport:
    """UsageError: no such scheme. LinkError: it cannot be opened."""
    scheme, _, rest = address.partition(":")
    if scheme not in schemes():
        raise UsageError(f"no transport {scheme!r} in the address {address!r}", f"have: {', '.join(schemes())}")
    transport: Transport = importlib.import_module(f"{__name__}.{scheme}").open_address(rest, options)
    return transport


def check(address: str) -> None:
    """UsageError where the transport takes no such address; nothing is opened."""
    scheme, _, rest = address.partition(":")
    module = importlib.import_module(f"{__name__}.{scheme}")
    if hasattr(module, "check"):
        module.check(rest)


def unanswered(address: str, board: str) -> str:
    """What to do where no agent answers there, as the transport knows it; empty where it does not. board: its kind, where it is known."""
    scheme, _, rest = address.partition(":")
    module = importlib.import_module(f"{__name__}.{scheme}")
    return str(module.unanswered(rest, board)) if hasattr(module, "unanswered") else ""


def open_program(address: str, options: Options, command: str) -> Program:
    """Start a command of the device's shell. UsageError where there is no shell behind the address; else as open_transport."""
    scheme, _, rest = address.partition(":")
    module = importlib.import_module(f"{__name__}.{scheme}") if scheme in schemes() else None
    if module is None or not hasattr(module, "open_program"):
        raise UsageError(f"{address!r}: programs of a device are started over ssh", "give the device an address such as pi@kitchen.local")
    program: Program = module.open_program(rest, options, command)
    return program
