"""Two ends of a link over a line of a given speed that loses and changes bytes; the time is simulated."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Callable

from edgeq_host.linklib import Endpoint, Limits, library

SMALL = Limits(512, 2048, 1024, 0x100)  # a microcontroller
LARGE = Limits(1 << 16, 1 << 20, 1 << 17, 0x100)
Fault = Callable[[int, bytes], list[bytes]]  # number of the frame and its bytes -> what arrives


def pending(end: Endpoint) -> int:
    """Bytes that the peer has not acknowledged."""
    function = library().eq_link_pending
    function.restype, function.argtypes = ctypes.c_uint32, [ctypes.c_void_p]
    return int(function(end._link))


def clean(_: int, frame: bytes) -> list[bytes]:
    return [frame]


def bit_errors(rate: float, seed: int) -> Fault:
    """Every bit flips with the given probability."""
    generator = random.Random(seed)

    def change(_: int, frame: bytes) -> list[bytes]:
        data = bytearray(frame)
        at = int(generator.expovariate(rate))
        while at < 8 * len(data):
            data[at // 8] ^= 1 << at % 8
            at += 1 + int(generator.expovariate(rate))
        return [bytes(data)]

    return change


class Line:
    """One direction: bytes arrive in order, `rate` of them a second, after `delay_ms`."""

    def __init__(self, rate: float, delay_ms: float, fault: Fault) -> None:
        self.rate, self.delay_ms, self.fault = rate, delay_ms, fault
        self.frames, self.free_ms = 0, 0.0
        self.queue: list[tuple[float, bytes]] = []

    def put(self, frame: bytes, now_ms: float) -> None:
        self.free_ms = max(self.free_ms, now_ms) + 1000.0 * len(frame) / self.rate
        self.queue += [(self.free_ms + self.delay_ms, part) for part in self.fault(self.frames, frame)]
        self.frames += 1

    def due(self, now_ms: float) -> list[bytes]:
        parts = [data for at, data in self.queue if at <= now_ms]
        del self.queue[: len(parts)]
        return parts


class Simulation:
    """host and device, `up` from host to device. A full line takes no more than 4 KiB, as a driver does; a reliable one keeps megabytes."""

    def __init__(
        self,
        up: Fault = clean,
        down: Fault = clean,
        device: Limits = SMALL,
        rate: float = 1e6,
        delay_ms: float = 1.0,
        reliable: bool = False,
    ) -> None:
        self.now_ms, self.room = 0.0, 1 << 22 if reliable else 4096
        self.host, self.device = Endpoint(LARGE), Endpoint(device)
        self.up, self.down = Line(rate, delay_ms, up), Line(rate, delay_ms, down)
        self.host.connect(77, 0, reliable)

    def _flush(self, end: Endpoint, line: Line) -> None:
        now = int(self.now_ms)
        while (line.free_ms - self.now_ms) * line.rate / 1000.0 < self.room and (frame := end.transmit(now)):
            line.put(frame, self.now_ms)

    def step(self) -> None:
        """Deliver what is due, send what is ready, and go to the next moment at which something happens."""
        self._flush(self.host, self.up)
        self._flush(self.device, self.down)
        waits = [self.host.wait_ms(int(self.now_ms)), self.device.wait_ms(int(self.now_ms))]
        moments = [self.now_ms + max(1, w) for w in waits] + [line.queue[0][0] for line in (self.up, self.down) if line.queue]
        self.now_ms = max(min(moments), self.now_ms)
        for data in self.up.due(self.now_ms):
            self.device.receive(data, int(self.now_ms))
        for data in self.down.due(self.now_ms):
            self.host.receive(data, int(self.now_ms))

    def transfer(self, data: bytes, back: bytes = b"", limit_s: float = 3600.0) -> tuple[bytes, bytes]:
        """Send `data` from host to device and `back` the other way at the same time; what arrived."""
        there, here, sent, sent_back = bytearray(), bytearray(), 0, 0
        while len(there) < len(data) or len(here) < len(back) or pending(self.host) or pending(self.device):
            assert self.now_ms < 1000 * limit_s, f"{len(there)} of {len(data)} and {len(here)} of {len(back)} bytes in {limit_s} s"
            if self.host.state(int(self.now_ms)).open:
                sent += self.host.write(data[sent : sent + (1 << 16)])
            if self.device.state(int(self.now_ms)).open:
                sent_back += self.device.write(back[sent_back : sent_back + (1 << 16)])
            self.step()
            there += self.device.read()
            here += self.host.read()
        return bytes(there), bytes(here)
