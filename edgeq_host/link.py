"""A session with an agent over a transport: hello, requests, answers. The frames are the C code's (linklib)."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from edgeq_host import wire
from edgeq_host.errors import LinkError, RestartedError, UsageError
from edgeq_host.faults import Refused
from edgeq_host.linklib import Endpoint, Limits
from edgeq_host.transports import Closed, Returning, Stuck, Transport
from edgeq_runtime import __version__

SOFTWARE = int.from_bytes(bytes(int(part) for part in re.findall(r"\d+", __version__)[:3]), "big")  # major << 16, minor << 8, patch
LIMITS = Limits(65000, 1 << 21, (1 << 16) + 64, SOFTWARE)  # a frame of 65000 fits into two packets of SSH, one of 65536 does not
CONNECT_S = 10.0
MESSAGE_BYTES, MOST_BYTES = 256, 256 << 20  # what a message takes beside its fields; of the answers to one request: a million small ones
AHEAD_S, AHEAD_BYTES = 4.0, 4 * LIMITS.max_payload  # of an upload that may be on its way: so much of the line's time, or so many bytes
ASK_S, ASK_EVERY_S = 2.0, 1.0  # of silence after which, and how often, the device is asked whether it still has the session
QUIET_S = 30.0  # without any good frame while an answer is due, or any byte taken
AFRESH_S = 7.0  # without one after the port came back: longer than the device takes to find the speed again
NO_ANSWER, STARTED_ANEW = "no_answer", "started_anew"  # kinds of LinkError


def _version(number: int) -> str:
    return f"{number >> 8}.{number & 255}"


def software_text(number: int) -> str:
    """As SOFTWARE is made, of either end."""
    return ".".join(map(str, number.to_bytes(4, "big")[1:]))


class Link:
    """Requests are answered in order. Everything that goes wrong on the way is a LinkError; what the device refuses is Refused."""

    def __init__(
        self,
        transport: Transport,
        what: str,
        quiet_s: float = QUIET_S,
        limits: Limits = LIMITS,
        clock: Callable[[], float] = time.monotonic,
        cancel: threading.Event | None = None,
    ) -> None:
        self.transport, self._what, self._quiet_s, self.clock, self._cancel = transport, what, quiet_s, clock, cancel
        self._end = Endpoint(limits)
        self._in = bytearray()
        self._taken = 0  # bytes of messages, with MESSAGE_BYTES for each
        self._returning = transport if isinstance(transport, Returning) else None
        self._began_s = time.monotonic()
        self.watch: Callable[[float], None] | None = None  # gets the seconds without a good frame, before bytes are moved
        self._asked = clock()
        self._connect()

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)

    def _flush(self) -> None:
        while frame := self._end.transmit(self._now_ms()):
            self.transport.write(frame, self._quiet_s)

    def _pump(self, wait_s: float) -> None:
        """Move bytes; wait at most wait_s for some to come."""
        if self._cancel is not None and self._cancel.is_set():
            raise LinkError(f"{self._what}: interrupted", "it runs what it ran before; repeat the command")
        try:
            if self.watch is not None:
                self.watch(self.quiet_s())
            self._flush()
            wait = min(wait_s, self._end.wait_ms(self._now_ms()) / 1000)
            data = self.transport.read(1 << 16, wait)
            if data:
                self._end.receive(data, self._now_ms())
            self._flush()
        except Closed as end:
            if end.usage:
                raise UsageError(f"{self._what}: {end}", "mend the setting that it names; nothing was changed") from end
            raise LinkError(f"{self._what}: {end}", "the device runs what it ran before; repeat the command") from end
        except Stuck:
            raise self._silent() from None

    def _connect(self) -> None:
        self._end.connect(secrets.randbelow(0xFFFF) + 1, self._now_ms(), self.transport.reliable)
        end = self.clock() + min(CONNECT_S, self._quiet_s)
        while not self._end.state(self._now_ms()).open:
            if self.clock() >= end:
                raise LinkError(
                    f"{self._what}: no answer",
                    "check that the device is on, that the address is right and that no other program uses the line",
                    NO_ANSWER,
                )
            self._pump(0.3)
        state = self._end.state(self._now_ms())
        if state.protocol == 0:
            major, minor = wire.protocol()
            theirs = f"{_version(state.peer.oldest)} to {_version(state.peer.newest)}"
            software = software_text(int(state.peer.software))
            old = (state.peer.newest >> 8, state.peer.newest & 255) < (major, minor)
            remedy = "update the agent on the device (its firmware, or edgeq-runtime)" if old else "update edgeq on this machine"
            raise LinkError(
                f"{self._what}: edgeq {__version__} speaks protocol {major}.{minor}, the agent {software} speaks {theirs}", remedy
            )
        self.minor = int(state.protocol) & 255  # of the protocol that both speak
        self.max_message = int(min(state.peer.max_message, self._end.limits.max_message))

    def statistics(self) -> dict[str, int]:
        state = self._end.state(self._now_ms())
        return {name: int(getattr(state, name)) for name in ("payload", "frames_sent", "frames_lost", "frames_dropped")}

    def queue(self, name: str, /, **values: Any) -> None:
        """Put a request behind those that wait. Bytes move when the window is full, or with what is sent next: in the largest frames."""
        data = wire.encode(name, **values)
        while data := data[self._end.write(data) :]:
            self._pump(1.0)
            self._check_quiet()

    def ease(self, queued: int, since: float) -> None:
        """Wait while more is on its way than a line takes that has carried the rest of `queued` bytes from `since` on. Buffers between
        here and there may hold it, and what an interrupted command has sent still arrives, to a store that is locked until then."""
        while (ahead := self._end.pending()) > AHEAD_BYTES and ahead * (self.clock() - since) > AHEAD_S * (queued - ahead):
            self._pump(0.1)
            self._check_quiet()

    def send(self, name: str, /, **values: Any) -> None:
        """Put a request on its way; returns when the window has taken it."""
        self.queue(name, **values)
        self._pump(0.0)

    def quiet_s(self) -> float:
        """Since the last good frame."""
        return float(self._end.state(self._now_ms()).quiet_ms) / 1000

    def _check_quiet(self) -> None:
        state, now = self._end.state(self._now_ms()), self.clock()
        quiet = state.quiet_ms / 1000
        returned = self._returning.returned_s if self._returning is not None else None
        if returned is not None and returned > self._began_s and quiet >= time.monotonic() - returned >= AFRESH_S:
            raise self._restarted("its port went away and came back, and the device knows nothing of this session: it has started anew")
        if state.gone:
            raise self._restarted("the device has started anew, or another program speaks with it")
        if quiet >= self._quiet_s:
            raise self._silent()  # the limit, and not how late it was noticed
        if quiet >= ASK_S and now - self._asked >= ASK_EVERY_S:
            self._asked = now
            self._end.touch()

    def _restarted(self, text: str) -> RestartedError:
        return RestartedError(f"{self._what}: {text}", "it runs what it ran before; repeat the command", STARTED_ANEW)

    def _silent(self) -> LinkError:
        hint = "a device that works shows it every second: check that it is on and connected, then repeat the command"
        return LinkError(f"{self._what}: silent for {self._quiet_s:.0f} s", hint)

    def poll(self) -> wire.Reply | None:
        """A message that has come, if there is one. Refused where it is an error."""
        while part := self._end.read():
            self._in += part
        if len(self._in) < wire.HEAD.size:
            return None
        number, size = wire.HEAD.unpack_from(self._in)
        if size > self._end.limits.max_message:
            raise LinkError(
                f"{self._what}: a message of {size} bytes, at most {self._end.limits.max_message} were agreed", "update edgeq on both sides"
            )
        if len(self._in) < wire.HEAD.size + size:
            return None
        body = bytes(self._in[wire.HEAD.size : wire.HEAD.size + size])
        del self._in[: wire.HEAD.size + size]
        self._taken += MESSAGE_BYTES + size
        try:
            reply = wire.decode(number, body)
        except ValueError as error:
            raise LinkError(f"{self._what}: {error}", "update edgeq on both sides") from error
        if reply.name == "error":
            raise Refused(reply)
        return reply

    def receive(self) -> wire.Reply:
        """The next message. The device shows that it lives while it works: only silence ends the wait."""
        while (reply := self.poll()) is None:
            self._pump(1.0)
            self._check_quiet()
        return reply

    def wait(self, wait_s: float) -> wire.Reply | None:
        """The next message, if it comes in that time."""
        reply = self.poll()
        if reply is None:
            self._pump(wait_s)
            reply = self.poll()
        return reply

    def call(self, name: str, answer: str, /, **values: Any) -> wire.Reply:
        """Send a request and receive its one answer."""
        self.send(name, **values)
        return self.expect(self.receive(), answer)

    def stream(self, name: str, /, *kinds: str, most: int = MOST_BYTES, **values: Any) -> Iterator[wire.Reply]:
        """Send a request and give its answers, of these kinds, up to `done`."""
        self.send(name, **values)
        return self.answers("done", *kinds, most=most)

    def answers(self, last: str, /, *kinds: str, most: int = MOST_BYTES) -> Iterator[wire.Reply]:
        """What comes before the message `last`, which is `self.ended`. LinkError where it is of no kind of these or, each message counted
        as MESSAGE_BYTES more than its own, takes more than `most`."""
        end = self._taken + most
        while (reply := self.receive()).name != last:
            if reply.name not in kinds:
                raise self._strange(reply, f"{' or '.join(kinds)} or {last}")
            if self._taken > end:
                raise LinkError(f"{self._what}: its answer has no end: more than {most} bytes", "update edgeq on both sides")
            yield reply
        self.ended = reply

    def _strange(self, reply: wire.Reply, expected: str) -> LinkError:
        return LinkError(f"{self._what}: the agent answered {reply.name}, expected {expected}", "update edgeq on both sides")

    def expect(self, reply: wire.Reply, answer: str) -> wire.Reply:
        if reply.name != answer:
            raise self._strange(reply, answer)
        return reply

    def close(self) -> None:
        self.transport.close()
