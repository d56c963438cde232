"""An agent that speaks the link well and answers what it likes: a LinkError, never a crash and never without end."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from edgeq_host import device as devices
from edgeq_host import trust, wire
from edgeq_host.device import Device
from edgeq_host.errors import LinkError
from edgeq_host.link import LIMITS, MESSAGE_BYTES
from edgeq_host.linklib import Endpoint
from edgeq_host.probe import of_device

EDGE = {"output": 0, "index": 0, "type": 1, "inner": 1, "rank": 1, "shape": (1,) * 6, "scale": 1.0, "zero": 0, "bytes": 4, "inner_bytes": 1}


class Hostile:
    """A transport whose other end is here: once something is asked, the answers are sent."""

    reliable = True
    brought = 0

    def __init__(self, answers: Iterable[bytes]) -> None:
        self._end, self._answers = Endpoint(LIMITS), iter(answers)
        self._asked, self._left = False, b""

    @staticmethod
    def _now() -> int:
        return int(time.monotonic() * 1000)

    def write(self, data: bytes, timeout_s: float) -> None:
        self._end.receive(data, self._now())
        self._asked = bool(self._end.read()) or self._asked

    def read(self, size: int, timeout_s: float) -> bytes:
        while self._asked:
            self._left = self._left or next(self._answers, b"")
            taken = self._end.write(self._left)
            self._left = self._left[taken:]
            if not taken:
                break
        return self._end.transmit(self._now())

    def close(self) -> None:
        pass


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Iterable[bytes]], Device]]:
    def make(answers: Iterable[bytes]) -> Device:
        monkeypatch.setattr(devices, "open_transport", lambda address, options: Hostile(answers))
        return Device("pipe:x", "kitchen")

    yield make


def output(index: int, offset: int, data: bytes = b"abc") -> bytes:
    return wire.encode("output", index=index, type=1, offset=offset, bytes=data)


RAN, DONE = wire.encode("ran", time_ns=1), wire.encode("done")


@pytest.mark.parametrize(
    "answers",
    [
        [output(7, 0), RAN],
        [output(0, 5), RAN],
        [output(0, 0), output(0, 9), RAN],
        [output(1, 0), output(0, 0), RAN],
        [output(0, 0), output(0, 0), RAN],
        [output(0, 0), DONE],
        [wire.encode("installed", version=1, sha256=bytes(32), variants=1)],
    ],
)
def test_outputs_out_of_their_turn_are_a_link_error(agent: Callable[..., Device], answers: list[bytes]) -> None:
    with pytest.raises(LinkError, match="kitchen"):
        agent(answers).infer([])


def test_outputs_in_their_turn_are_taken(agent: Callable[..., Device]) -> None:
    device = agent([output(0, 0), output(0, 3), output(1, 0, b""), output(2, 0), RAN])
    assert device.infer([]) == ([b"abcabc", b"", b"abc"], 1)


ASK: dict[str, Callable[[Device], Any]] = {
    "facts": Device.facts,
    "installed": Device.installed,
    "log": Device.log,
    "open": Device.open,
    "layers": Device.layers,
    "origin": lambda device: device.origin(1),
    "profile": lambda device: list(device.profile(3, 0)),
    "trust": trust.ask,
    "probe": lambda device: of_device(device),
}


@pytest.mark.parametrize("name", ASK)
@pytest.mark.parametrize("answers", [[RAN, DONE], [wire.encode("edge", name="x", **EDGE), DONE], [wire.encode("stop")]])
def test_answers_of_another_kind_are_a_link_error(agent: Callable[..., Device], name: str, answers: list[bytes]) -> None:
    with pytest.raises(LinkError):
        ASK[name](agent(answers))


@pytest.mark.parametrize("name", ["facts", "open"])
def test_no_answer_at_all_is_a_link_error(agent: Callable[..., Device], name: str) -> None:
    with pytest.raises(LinkError, match="0 answers do not begin with one"):
        ASK[name](agent([DONE]))


@pytest.mark.parametrize("size", [0, 60_000])
def test_answers_without_end_are_a_link_error(agent: Callable[..., Device], size: int) -> None:
    part = wire.encode("origin_part", text=bytes(size))
    device = agent(itertools.repeat(part))
    found = 0
    with pytest.raises(LinkError, match="has no end"):
        for _ in device.link.stream("origin", "origin_part", most=1_000_000, what=1):
            found += 1
    assert found == 1_000_000 // (MESSAGE_BYTES + size)


def test_every_request_has_such_an_end(agent: Callable[..., Device]) -> None:
    with pytest.raises(LinkError, match="has no end"):
        agent(itertools.repeat(wire.encode("origin_part", text=bytes(64_000)))).origin(1)


def timing(run: int, first: int, layers: int) -> bytes:
    return wire.encode("timing", run=run, first=first, total_ns=1, layer_ns=bytes(4 * layers))


def test_runs_and_layers_without_end_are_a_link_error(agent: Callable[..., Device]) -> None:
    for answers in ((timing(run, 0, 1) for run in itertools.count()), itertools.repeat(timing(0, 1, 10_000))):
        with pytest.raises(LinkError, match="layers in run"):
            list(agent(answers).profile(3, 0))
