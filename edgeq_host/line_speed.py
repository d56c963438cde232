"""The speed of a serial line: raised after hello to what both ends can, and back by itself where the other is not heard. SPEC.md 4.4."""

from __future__ import annotations

import struct

from edgeq_host.errors import LinkError
from edgeq_host.faults import Refused
from edgeq_host.link import Link
from edgeq_host.transports import Line
from edgeq_host.wire import Reply

MINOR = 5  # of the protocol that has the messages
TRIES = 3  # speeds, the highest first
AGAIN = 3  # times in a session that a speed which was lost is raised again
CONFIRM_S, CONFIRM_MS = 0.8, 1000  # for an answer at the new speed; the device's own, which is the longer
QUIET_S, QUIET_MS = 1.5, 2000  # without a good frame, of either end: one that works shows it every second; the device's is the longer
PROBE = bytes(range(256)) * 2  # every byte there and back


class LineSpeed:
    """Of one session."""

    def __init__(self, link: Link, line: Line) -> None:
        self._link, self._line = link, line
        self._raised, self._again = False, AGAIN

    def raise_it(self) -> None:
        """To the highest speed at which the probe arrives without a loss. LinkError where the device is lost on the way."""
        if self._link.minor < MINOR:
            return
        self._link.watch = self._watch
        for baud in self._common()[:TRIES]:
            if self._try(baud):
                self._raised = True
                return

    def keep_it(self) -> None:
        """During a long transfer: once more to what was lost with a cable that was pulled, or a device that was silent for long."""
        if self._raised and self._again and self._line.baud == self._line.base:
            self._again -= 1
            self.raise_it()

    def lower_it(self) -> None:
        """At the end of a session, so that the next one need not wait for the device to do it. It is no error where that fails."""
        if self._line.baud == self._line.base:
            return
        try:
            self._link.send("line_speed", baud=self._line.base, confirm_ms=CONFIRM_MS, quiet_ms=QUIET_MS)
            self._wait(CONFIRM_S)
            self._line.set_speed(self._line.base)
        except (LinkError, Refused):
            return

    def _common(self) -> list[int]:
        """Higher than now, the highest first."""
        offered = self._link.call("line_speeds", "offered")["speeds"]
        speeds = {speed for (speed,) in struct.iter_unpack("<I", offered[: len(offered) // 4 * 4])}
        return sorted((speed for speed in speeds if self._line.base < speed <= self._line.fastest), reverse=True)

    def _ask(self, baud: int) -> None:
        self._link.call("line_speed", "done", baud=baud, confirm_ms=CONFIRM_MS, quiet_ms=QUIET_MS)

    def _try(self, baud: int) -> bool:
        """Whether it is the speed from now on. Where it is not, both ends have gone back: what was asked is answered then."""
        link, line = self._link, self._line
        self._ask(baud)
        if not line.set_speed(baud):
            line.set_speed(line.base)
        before = link.statistics()
        link.send("confirm", bytes=PROBE)
        reply = self._wait(CONFIRM_S) if line.baud == baud else None
        if reply is None:
            line.set_speed(line.base)
            reply = link.receive()
        link.expect(reply, "confirmed")
        after = link.statistics()
        lost = any(after[name] != before[name] for name in ("frames_lost", "frames_dropped")) or reply["bytes"] != PROBE
        if lost and line.baud != line.base:
            self._ask(line.base)
            line.set_speed(line.base)
        return line.baud == baud

    def _wait(self, limit_s: float) -> Reply | None:
        """The answer, if it comes in that time."""
        end, reply = self._link.clock() + limit_s, None
        while reply is None and self._link.clock() < end:
            reply = self._link.wait(0.05)
        return reply

    def _watch(self, quiet_s: float) -> None:
        """The device goes back where it hears nothing, and so does this end, a little sooner."""
        if quiet_s >= QUIET_S and self._line.baud != self._line.base:
            self._line.set_speed(self._line.base)
