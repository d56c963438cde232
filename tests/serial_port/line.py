"""A serial line between a pseudo-terminal of this machine and the agent of the posix port, which has the other one as its terminal.

Bytes take their time at the speed that both ends have set; where the speeds differ they arrive changed. The chip's end has a receive
buffer of its own, and what finds no room there is lost.
"""

from __future__ import annotations

import fcntl
import os
import random
import select
import signal
import subprocess
import termios
import threading
import time
import tty
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

BUFFER = 2048  # of firmware/cortexm/serial.c
_BAUD = {getattr(termios, f"B{n}"): n for n in (115200, 230400, 460800, 921600, 1000000, 1500000, 2000000, 3000000)}


def _speed(master: int) -> int:
    """That the other side of a pseudo-terminal has set."""
    return _BAUD.get(termios.tcgetattr(master)[4], 0)


def _waiting(slave: int) -> int:
    """Bytes that have come to a terminal and are not read."""
    return int.from_bytes(fcntl.ioctl(slave, termios.FIONREAD, bytes(4)), "little")


class Line:
    """agent: the program; port: the path at which the host finds the line. hurried: bytes take no time. works: the speeds at which the wire
    is good enough. Use it in a `with`."""

    def __init__(
        self, agent: Path, port: Path, environment: dict[str, str], hurried: bool = False, works: Callable[[int], bool] = bool
    ) -> None:
        self.port, self._command, self._environment, self._hurried, self.works = port, str(agent), environment, hurried, works
        self.lost, self.garbled, self.up = 0, 0, 0  # bytes: without room at the chip, at different speeds, from host to chip
        self.speeds: set[int] = set()  # at which bytes went from host to chip
        self._noise = random.Random(1)
        self._ended = threading.Event()
        self._chip, self._tty = os.openpty()
        tty.setraw(self._tty)
        self._set_base()
        self._start()
        self._host: int | None = None
        self._lock = threading.Lock()
        self.plug()
        self._free = {True: 0.0, False: 0.0}  # when each direction has sent what it was given
        self._queues: dict[bool, list[tuple[float, bytes]]] = {True: [], False: []}
        self._thread = threading.Thread(target=self._pump, daemon=True)
        self._thread.start()

    def _set_base(self) -> None:
        mode = termios.tcgetattr(self._tty)
        mode[4] = mode[5] = termios.B115200
        termios.tcsetattr(self._tty, termios.TCSANOW, mode)

    def _start(self) -> None:
        self.process = subprocess.Popen([self._command], stdin=self._tty, stdout=self._tty, env=self._environment)

    def plug(self) -> None:
        """A port of another number, as after another enumeration, behind the same name."""
        master, slave = os.openpty()
        tty.setraw(slave)
        name = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(master, False)
        with self._lock:
            self._host = master
        self.port.unlink(missing_ok=True)
        self.port.symlink_to(name)

    def unplug(self) -> None:
        """The cable: the chip goes on."""
        self.port.unlink()
        with self._lock:
            master, self._host = self._host, None
        assert master is not None
        os.close(master)

    def reset(self) -> None:
        """The chip starts anew, with what its flash holds."""
        self.process.kill()
        self.process.wait()
        self._set_base()
        termios.tcflush(self._tty, termios.TCIOFLUSH)
        self._start()

    def stall(self, seconds: float) -> None:
        """The chip does something else: its buffer alone takes what comes."""
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.process.send_signal(signal.SIGCONT)

    @property
    def chip_speed(self) -> int:
        return _speed(self._chip)

    def _pump(self) -> None:
        while not self._ended.is_set():
            with self._lock:
                host = self._host
            watched = [self._chip] + ([host] if host is not None else [])
            wait = 0.002 if any(self._queues.values()) or host is None else 0.05
            try:
                ready, _, _ = select.select(watched, [], [], wait)
                for up in (True, False):
                    source = host if up else self._chip
                    if source is not None and source in ready:
                        self._take(up, source, host)
                for up in (True, False):
                    self._deliver(up, host)
            except (OSError, ValueError, termios.error):
                time.sleep(0.002)  # a port that nobody has open, or that was unplugged just now

    def _take(self, up: bool, source: int, host: int | None) -> None:
        data = os.read(source, 4096)
        speed, other = (_speed(source), self.chip_speed) if up else (self.chip_speed, _speed(host) if host is not None else 0)
        if speed != other or not self.works(speed):
            self.garbled += len(data)
            data = bytes(self._noise.choice((0x00, 0xFE, 0xE6, 0x78)) ^ (byte & 0x18) for byte in data)
        elif up:
            self.speeds.add(speed)
        self.up += len(data) if up else 0
        took = 0.0 if self._hurried else 10 * len(data) / (speed or 115200)
        self._free[up] = max(self._free[up], time.monotonic()) + took
        self._queues[up].append((self._free[up], data))

    def _deliver(self, up: bool, host: int | None) -> None:
        queue, now = self._queues[up], time.monotonic()
        while queue and queue[0][0] <= now:
            data = queue.pop(0)[1]
            if up:
                room = max(0, BUFFER - _waiting(self._tty))
                self.lost += max(0, len(data) - room)
                os.write(self._chip, data[:room])
            elif host is not None:
                os.write(host, data)

    def __enter__(self) -> Line:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        for file in (self._chip, self._tty, *([] if self._host is None else [self._host])):
            os.close(file)
