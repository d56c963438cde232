"""A serial port as a stream of bytes that outlives an unplugged cable: it is opened again when it is back, and what was lost is sent again
by the link."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import socket
import termios
import threading
import time
from collections.abc import Callable
from typing import Any

import serial

from edgeq_host.errors import LinkError
from edgeq_host.serial_port import ports, trouble
from edgeq_host.serial_port.address import Address
from edgeq_host.serial_port.ports import Port
from edgeq_host.transports import Closed, Stuck

RETURN_S = 15.0  # for a port that went away to come back
LOOK_S = 0.1  # between two looks for it
DRAIN_S = 0.02  # an adapter may hold bytes that the system counts as sent
CONNECT_S = 10.0  # for a host that a socket leads to
_CHUNK = 1 << 16


class ReturningStream:
    """A Transport over a port or socket, which `opening` makes and makes again where it went away. returned_s: when it last came back, of
    time.monotonic; None: it never went away."""

    reliable = False
    brought = 0

    def __init__(self, opening: Callable[[], Any], cancel: threading.Event | None) -> None:
        self._opening, self._cancel = opening, cancel
        self.returned_s: float | None = None
        self._kept = bytearray()
        self._port: Any = opening()

    def read(self, size: int, timeout_s: float) -> bytes:
        if not self._kept:
            try:
                ready, _, _ = select.select([self._port], [], [], timeout_s)
                if ready:
                    self._receive()
            except OSError as error:
                self._return(error)
        data = bytes(self._kept[:size])
        del self._kept[:size]
        return data

    def write(self, data: bytes, timeout_s: float) -> None:
        """Where the port goes away meanwhile, the rest of the data is lost as it may be on the line."""
        try:
            self._write(memoryview(data), timeout_s)
        except OSError as error:
            self._return(error)

    def _write(self, view: memoryview, timeout_s: float) -> None:
        end = time.monotonic() + timeout_s
        while view:
            ready, writable, _ = select.select([self._port], [self._port], [], max(0.0, end - time.monotonic()))
            if ready:
                self._receive()
            sent = self._send(view) if writable else 0
            if sent:
                view, end = view[sent:], time.monotonic() + timeout_s
            elif time.monotonic() >= end:
                raise Stuck

    def _receive(self) -> None:
        try:
            data = os.read(self._port.fileno(), _CHUNK)
        except BlockingIOError:
            return
        if not data:
            raise OSError("it ended")
        self._kept += data

    def _send(self, view: memoryview) -> int:
        try:
            return os.write(self._port.fileno(), view)
        except BlockingIOError:
            return 0

    def _return(self, error: OSError) -> None:
        """Wait until it can be opened again. Closed where it does not come back in time."""
        why: Exception = error
        self.close()
        end = time.monotonic() + RETURN_S
        while time.monotonic() < end:
            if self._cancel is not None and self._cancel.is_set():
                break
            time.sleep(LOOK_S)
            try:
                self._port = self._opening()
            except LinkError as missing:
                why = missing
                continue
            self.returned_s = time.monotonic()
            return
        raise Closed(f"the port went away ({error.strerror or error}) and was not back within {RETURN_S:.0f} s: {why}")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._port.close()


class SerialLine(ReturningStream):
    """A transports.Line. base: baud at the start; fastest: what the address allows."""

    def __init__(self, address: Address, cancel: threading.Event | None) -> None:
        """UsageError where the address means no port or several; LinkError where it cannot be opened."""
        self.base, self.fastest, self.baud = address.baud, address.fastest, address.baud
        self._where = _one(address)
        super().__init__(self._open, cancel)

    def _open(self) -> Any:
        """It may have another name than before; at the start it has not."""
        self.baud = self.base
        if self._where.usb:
            found = ports.again(self._where)
            if len(found) != 1:
                raise LinkError(f"{self._where.text} is not there", "plug it in again")
            self._where = found[0]
        return _opened(self._where, self.base)

    def set_speed(self, baud: int) -> bool:
        """Once all that was written has gone out. False where the port does not have that speed."""
        try:
            termios.tcdrain(self._port.fileno())
            time.sleep(DRAIN_S)
            self._port.baudrate = baud
        except (OSError, ValueError, termios.error):  # SerialException is an OSError
            return False
        self.baud = baud
        return True


def _one(address: Address) -> Port:
    if address.path:
        return ports.at(address.path)
    found = ports.with_usb([address.usb], address.number)
    if len(found) != 1:
        raise trouble.several(address, found) if found else trouble.missing(address)
    return found[0]


def _opened(where: Port, baud: int) -> Any:
    try:
        port = serial.Serial(where.path, baud, timeout=0, exclusive=True)
    except (serial.SerialException, OSError) as error:
        raise trouble.closed(where, error) from error
    if not trouble.is_pseudo(where.path):  # whose mark would outlive this program
        with contextlib.suppress(OSError):
            fcntl.ioctl(port.fileno(), termios.TIOCEXCL)
    with contextlib.suppress(OSError, ValueError, NotImplementedError):
        port.set_low_latency_mode(True)  # an adapter holds what came for up to 16 ms without it
    return port


class SocketLine(ReturningStream):
    """A line over TCP; its speed is that of what holds the other end."""

    def __init__(self, place: str, cancel: threading.Event | None) -> None:
        self._place = place
        super().__init__(self._open, cancel)

    def _open(self) -> Any:
        host, _, port = self._place.rpartition(":")
        try:
            found = socket.create_connection((host.strip("[]"), int(port)), CONNECT_S)
        except OSError as error:
            hint = "check the host and the port, and that the emulator or ser2net runs there"
            raise LinkError(f"socket://{self._place} cannot be reached: {error}", hint, "unreachable") from error
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        found.setblocking(False)
        return found
