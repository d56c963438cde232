"""The host's session against peers that do not behave, over a transport in memory."""

from __future__ import annotations

import importlib
import struct
import time
from pathlib import Path

import pytest

import edgeq_runtime
from edgeq_host import wire
from edgeq_host.errors import LinkError, UsageError
from edgeq_host.link import SOFTWARE, Link
from edgeq_host.linklib import Endpoint
from edgeq_host.transports import Closed, Stuck, open_transport, pipe, schemes
from edgeq_runtime import lists
from tests.link.simulation import SMALL
from tests.link.test_frame import Receiver, encode

NOW = wire.protocol()[0] << 8 | wire.protocol()[1]  # ours: major << 8 | minor


class Clock:
    """Time passes when somebody waits."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Loop:
    """A device in memory: `answer` gets what the host wrote and gives what comes back. None: it is gone."""

    reliable = False
    brought = 0

    def __init__(self, clock: Clock) -> None:
        self.clock, self.waiting, self.closed = clock, b"", False

    def read(self, size: int, timeout_s: float) -> bytes:
        if not self.waiting:
            self.clock.now += max(timeout_s, 0.001)
        data, self.waiting = self.waiting[:size], self.waiting[size:]
        return data

    def write(self, data: bytes, timeout_s: float) -> None:
        answer = self.answer(data)
        if answer is None:
            raise Closed("the other end has gone")
        self.waiting += answer

    def close(self) -> None:
        self.closed = True

    def answer(self, data: bytes) -> bytes | None:
        return b""


class Greeter(Loop):
    """Answers hello with the given versions."""

    def __init__(self, clock: Clock, newest: int, oldest: int, payload: int = 512, window: int = 2048) -> None:
        super().__init__(clock)
        self.hello = struct.pack("<HHIIII", newest, oldest, 0x100, payload, window, 1024)

    def answer(self, data: bytes) -> bytes:
        frames = Receiver().feed(data)
        return b"".join(encode(2, session, 0, self.hello) for kind, session, _, _ in frames if kind == 1)


class Scripted(Loop):
    """A real device end that answers every request with the same bytes."""

    def __init__(self, clock: Clock, reply: bytes) -> None:
        super().__init__(clock)
        self.end, self.reply, self.got = Endpoint(SMALL), reply, b""

    def answer(self, data: bytes) -> bytes:
        now = int(self.clock.now * 1000)
        self.end.receive(data, now)
        self.got += (part := self.end.read())
        if part:
            self.end.write(self.reply)
        out = b""
        while frame := self.end.transmit(now):
            out += frame
        return out


def link(transport: Loop, quiet_s: float = 5.0) -> Link:
    return Link(transport, "the board", quiet_s, clock=transport.clock)


def test_no_answer_is_an_error_after_the_time_given() -> None:
    clock = Clock()
    with pytest.raises(LinkError, match="the board: no answer"):
        link(Loop(clock))
    assert 5 <= clock.now < 6


def test_noise_alone_is_no_answer() -> None:
    class Noise(Loop):
        def answer(self, data: bytes) -> bytes:
            return b"login: \0\0\xff" + data[:-3] + b"\0"

    with pytest.raises(LinkError, match="no answer"):
        link(Noise(Clock()))


@pytest.mark.parametrize(
    ("newest", "oldest", "remedy"), [(0x0005, 0x0003, "the agent on the device"), (0x0200, 0x0200, "edgeq on this machine")]
)
def test_versions_without_a_common_one_are_both_named_with_the_remedy(newest: int, oldest: int, remedy: str) -> None:
    with pytest.raises(LinkError, match=r"edgeq \d+\.\d+\.\d+ speaks protocol 1\.\d, the agent 0\.1\.0 speaks \d\.\d to \d\.\d") as info:
        link(Greeter(Clock(), newest, oldest))
    assert remedy in info.value.hint


def test_a_newer_agent_that_still_speaks_our_version_is_welcome() -> None:
    assert link(Greeter(Clock(), NOW + 2, NOW)).max_message == 1024


@pytest.mark.parametrize(("payload", "window"), [(0, 2048), (16, 2048), (512, 100), (512, 1 << 30)])
def test_a_hello_with_impossible_limits_is_no_answer(payload: int, window: int) -> None:
    with pytest.raises(LinkError, match="no answer"):
        link(Greeter(Clock(), NOW, NOW, payload, window))


def test_silence_while_an_answer_is_due_ends_the_wait() -> None:
    quiet = link(Greeter(Clock(), NOW, NOW))
    with pytest.raises(LinkError, match="silent for"):
        quiet.call("info", "done")


def test_a_peer_that_takes_no_more_bytes_is_silent_too() -> None:
    class Full(Greeter):
        def write(self, data: bytes, timeout_s: float) -> None:
            if self.full:
                raise Stuck
            super().write(data, timeout_s)

        full = False

    transport = Full(Clock(), NOW, NOW)
    session = link(transport)
    transport.full = True
    with pytest.raises(LinkError, match="the board: silent for 5 s"):
        session.call("info", "done")


def test_a_pipe_that_nobody_empties_is_stuck_after_the_time_given() -> None:
    transport = pipe.PipeTransport(["sleep", "60"])
    start = time.monotonic()
    with pytest.raises(Stuck):
        transport.write(bytes(1 << 20), 0.2)
    assert 0.2 <= time.monotonic() - start < 5
    transport.close()


def test_a_peer_that_has_gone_is_unreachable() -> None:
    class Gone(Loop):
        def answer(self, data: bytes) -> None:
            return None

    with pytest.raises(LinkError, match="the other end has gone"):
        link(Gone(Clock()))


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (wire.HEAD.pack(3, 1 << 30), "a message of 1073741824 bytes"),
        (wire.HEAD.pack(999, 0), "message 999 is not known"),
        (wire.HEAD.pack(wire.messages()["ready"].id, 3) + b"abc", "ends inside its field version"),
        (wire.HEAD.pack(wire.messages()["entry"].id, 1) + b"\xff", "ends inside its field name"),
        (wire.encode("ran", time_ns=1), "answered ran, expected done"),
    ],
)
def test_answers_that_make_no_sense_are_errors_that_say_so(reply: bytes, text: str) -> None:
    with pytest.raises(LinkError, match=text):
        link(Scripted(Clock(), reply)).call("close", "done")


def test_a_message_comes_back_from_its_bytes() -> None:
    values = {
        "output": 1,
        "index": 2,
        "type": 3,
        "inner": 3,
        "rank": 2,
        "shape": (1, -2, 3, 4, 5, 6),
        "scale": 0.5,
        "zero": -7,
        "bytes": 2**40,
    }
    data = wire.encode("edge", **values, inner_bytes=9, name="größe")
    number, size = wire.HEAD.unpack_from(data)
    reply = wire.decode(number, data[wire.HEAD.size :])
    assert size == len(data) - wire.HEAD.size and dict(reply.fields) == {**values, "inner_bytes": 9, "name": "größe"}


def test_an_address_names_a_transport_that_exists() -> None:
    assert "pipe" in schemes()
    with pytest.raises(UsageError, match="no transport 'carrier'"):
        open_transport("carrier:pigeon")
    with pytest.raises(LinkError, match="cannot start") as info:
        open_transport("pipe:/nowhere/to/be/found")
    assert "correct the address" in info.value.hint and "make build" not in info.value.hint


def test_an_agent_of_edgeq_that_is_not_there_is_to_be_built_or_named_otherwise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EDGEQ_AGENT", raising=False)
    monkeypatch.setattr("edgeq_runtime.agent.path", lambda: tmp_path / "edgeq-agent")
    with pytest.raises(LinkError, match="cannot start") as unbuilt:
        open_transport("pipe:{agent} --root /s")
    assert "make build" in unbuilt.value.hint
    monkeypatch.setenv("EDGEQ_AGENT", "/nowhere/agent")
    with pytest.raises(LinkError, match="cannot start /nowhere/agent") as named:
        open_transport("pipe:{agent}")
    assert "EDGEQ_AGENT" in named.value.hint and "make build" not in named.value.hint


@pytest.mark.parametrize("scheme", schemes())
def test_every_transport_opens_an_address_and_knows_no_other(scheme: str) -> None:
    module = importlib.import_module(f"edgeq_host.transports.{scheme}")
    assert callable(module.open_address) and module.__doc__.startswith(f"`{scheme}:")


def test_c_and_python_have_one_version() -> None:
    text = (lists.CSRC / "agent" / "eq_message.h").read_text()
    assert f'"{edgeq_runtime.__version__}"' in text and f"{SOFTWARE:#08x}u" in text
