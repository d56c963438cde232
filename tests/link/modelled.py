"""The agent of the port `posix` at the other end of a modelled serial line: real host, real agent, modelled time.

A byte takes 10 bits of 115200 a second in each direction, and LATENCY_S more to arrive; the two directions do not disturb each other. The
driver of the host takes DRIVER bytes ahead of the line; the device waits until its bytes are sent, as a chip does. Host, agent and flash
take no time. Time-outs pass in the model, too. Everything is the same in every run: faults come from seeds.
"""

from __future__ import annotations

import random
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

from edgeq_host.transports import Closed
from edgeq_runtime import build

BYTE_NS = 10 * 10**9 // 115_200
LATENCY_NS = 1_000_000
DRIVER = 4096
BOOT_NS = 20_000_000  # of a reset, in which nothing is heard
Fault = Callable[[int, bytes], list[bytes]]  # number of the frame of that direction, and its bytes -> what goes over the line
STREAM = Path(__file__).parent / "modelled_stream.c"


def clean(_: int, frame: bytes) -> list[bytes]:
    return [frame]


def program(folder: Path) -> Path:
    """The port with the modelled stream, linked in `folder`."""
    config = build.config_for("posix", None, False)
    on = build.enabled(config.cc)
    sources = [path for path in build.target_sources("posix", on) if path.name != "stream_posix.c"]
    objects = [build.compile_one(config, on, source) for source in sources]
    output = folder / "edgeq-modelled"
    command = [*config.cc.split(), *build.BASE, f"-I{build.CSRC}", str(STREAM), *map(str, objects), "-lm", "-o", str(output)]
    subprocess.run(command, check=True)
    return output


class Chip:
    """The process. It runs until it asks for something of the line: `wants` is what and for how long."""

    def __init__(self, command: Path, store: Path, chip: str) -> None:
        self._start = command, {"EDGEQ_STORE": str(store), "EDGEQ_FLASH": chip}
        self.power_on()

    def power_on(self) -> None:
        command, environment = self._start
        self._process = subprocess.Popen([command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=environment)
        self.wants, self.size, self.wait_ms, self.data = self._request()

    def power_off(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _take(self, size: int) -> bytes:
        assert self._process.stdout is not None
        data = b""
        while len(data) < size:
            part = self._process.stdout.read(size - len(data))
            assert part, f"the agent ended with {self._process.wait()}"
            data += part
        return data

    def _request(self) -> tuple[str, int, int, bytes]:
        what, size, wait_ms = struct.unpack("<cII", self._take(9))
        return what.decode(), size, wait_ms, self._take(size) if what == b"W" else b""

    def answer(self, now_ns: int, data: bytes = b"") -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(struct.pack("<QI", now_ns, len(data)) + data)
        self.wants, self.size, self.wait_ms, self.data = self._request()


class Line:
    """A Transport, and all the time there is. up: from the host to the device. resets: numbers of frames of both directions, in the order
    in which they are sent, after which the device is reset; unplugged: one after which the host's port is gone."""

    reliable = False
    brought = 0

    def __init__(self, chip: Chip, up: Fault = clean, down: Fault = clean, resets: tuple[int, ...] = (), unplugged: int = -1) -> None:
        self.chip, self.up, self.down = chip, up, down
        self.resets, self.unplugged = set(resets), unplugged
        self.now_ns = self.asked_ns = 0
        self.frames = self.sent_up = self.sent_down = 0
        self.free_ns = 0  # when the line to the device has sent all that it was given
        self.to_device: list[tuple[int, bytes]] = []
        self.to_host: list[tuple[int, bytes]] = []
        self.gone = False

    def clock(self) -> float:
        return self.now_ns / 1e9

    def _count(self) -> None:
        self.frames += 1
        if self.frames in self.resets:
            self.chip.power_off()
            self.chip.power_on()
            self.asked_ns = self.now_ns + BOOT_NS
            self.to_device = [(at, data) for at, data in self.to_device if at > self.asked_ns]
        self.gone = self.gone or self.frames == self.unplugged

    def _device_at(self) -> int:
        """When the agent goes on."""
        if self.chip.wants == "W":
            return self.asked_ns
        came = self.to_device[0][0] if self.to_device else 1 << 62
        return max(self.asked_ns, min(came, self.asked_ns + self.chip.wait_ms * 10**6))

    def _device(self) -> None:
        """What it waits for has happened."""
        if self.chip.wants == "W":
            frame, self.asked_ns = self.chip.data, self.asked_ns + BYTE_NS * len(self.chip.data)
            self.to_host += [(self.asked_ns + LATENCY_NS, part) for part in self.down(self.sent_down, frame)]
            self.sent_down += 1
            self.chip.answer(self.asked_ns)
            self._count()
            return
        self.asked_ns = self._device_at()
        data = b""
        while self.to_device and self.to_device[0][0] <= self.asked_ns and len(data) < self.chip.size:
            at, part = self.to_device.pop(0)
            room = self.chip.size - len(data)
            data += part[:room]
            if part[room:]:
                self.to_device.insert(0, (at, part[room:]))
        self.chip.answer(self.asked_ns, data)

    def _host_at(self) -> int:
        """When the next bytes for the host are there."""
        return self.to_host[0][0] if self.to_host else 1 << 62

    def read(self, size: int, timeout_s: float) -> bytes:
        if self.gone:
            raise Closed("the port is gone")
        until = self.now_ns + int(timeout_s * 1e9)
        while (at := self._device_at()) <= until and at < self._host_at():
            self._device()
        self.now_ns = max(self.now_ns, min(until, self._host_at()))
        data = b""
        while self._host_at() <= self.now_ns and len(data) + len(self.to_host[0][1]) <= size:
            data += self.to_host.pop(0)[1]
        return data

    def write(self, data: bytes, timeout_s: float) -> None:
        if self.gone:
            raise Closed("the port is gone")
        self.now_ns = max(self.now_ns, self.free_ns - DRIVER * BYTE_NS)
        while self._device_at() <= self.now_ns:
            self._device()
        for part in self.up(self.sent_up, data):
            self.free_ns = max(self.free_ns, self.now_ns) + BYTE_NS * len(part)
            self.to_device.append((self.free_ns + LATENCY_NS, part))
        self.sent_up += 1
        self._count()

    def close(self) -> None:
        pass


class Mixed:
    """Frames that are dropped, doubled, truncated or come after the next one, each with the probability `rate`."""

    def __init__(self, seed: int, rate: float) -> None:
        self._random, self._rate, self._late = random.Random(seed), rate, list[bytes]()

    def __call__(self, _: int, frame: bytes) -> list[bytes]:
        late, self._late = self._late, []
        kind = int(self._random.random() / self._rate)
        if kind == 3:
            self._late = [frame]
            return late
        cut = self._random.randrange(len(frame))
        return [*{0: [], 1: [frame, frame], 2: [frame[:cut]]}.get(kind, [frame]), *late]
