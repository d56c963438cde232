"""Start the agent at the other end of one SSH channel, sending it first where the device does not have this very file.

The command that ssh starts is short and quoted so that every login shell (sh, fish, csh) hands it to `sh` unchanged; it names the machine
and reads one line, the script bootstrap.sh. Everything that the script says begins with a random word, so that greetings and whatever
login scripts print are passed over.
"""

from __future__ import annotations

import secrets
import threading
import time
from pathlib import Path
from typing import Protocol

from edgeq_host import agents
from edgeq_host.agents import AgentFile
from edgeq_host.errors import BoardError, LinkError
from edgeq_host.ssh import problems
from edgeq_host.transports import Closed, Program, Stuck

SCRIPT = Path(__file__).with_name("bootstrap.sh")
LOGIN_S = 30.0  # for the login shell, after the connection stands
ASKED_S = 300.0  # for somebody at the terminal
ANSWER_S = 60.0  # for the script: it computes hashes and may wait for a slow card
_STEP = 1 << 16
SLOWEST = 4096  # bytes a second of a link that still counts as one
MAX_NOISE = 1 << 20  # bytes of anything else before the script's word


class Channel(Program, Protocol):
    """A command on the device, on its standard input and output."""

    where: str
    asks: bool  # somebody sits at the terminal and may be asked
    connect_s: float

    def stage(self) -> str:
        """How far the connection has come."""


class Bootstrap:
    """For one channel. `command` is what ssh starts there."""

    def __init__(self, cancel: threading.Event | None = None, passing: bool = False) -> None:
        """cancel: once it is set, `run` ends. passing: nothing is left on the device, where its memory has room for the agent."""
        self._cancel, self._passing = cancel, passing
        self._nonce = secrets.token_hex(8)
        self._word = f"edgeq-{self._nonce} ".encode("ascii")
        self._in = bytearray()
        self._said = b""
        self._noise = 0
        self.command = f"""sh -c 'echo; echo edgeq-{self._nonce} sh "$(uname -m)"; read -r s; eval "$(printf %b "$s")"'"""

    def run(self, channel: Channel) -> None:
        """Returns once the agent has the channel. LinkError, BoardError (no agent for that machine), UsageError (agents not built)."""
        try:
            machine = self._greeting(channel)
            agent = agents.find(machine)
            self._write(channel, self._script(agent))
            self._serve(channel, agent)
        except Closed as end:
            said = self._said.decode("utf-8", "replace").strip()
            raise channel.explain(end.code, said) from end
        except Stuck:
            raise self._silent(channel, ANSWER_S) from None

    def _greeting(self, channel: Channel) -> str:
        limit_s = ASKED_S if channel.asks else channel.connect_s + LOGIN_S
        word, machine = self._answer(channel, limit_s)
        if word != "sh":
            raise problems.no_shell(channel.where, f"it answered {word[:40]!r}")
        return machine

    def _serve(self, channel: Channel, agent: AgentFile) -> None:
        places: list[str] = []
        limit_s = ANSWER_S
        while True:
            word, text = self._answer(channel, limit_s)
            if word == "run":
                return
            if word == "send":
                channel.brought = agent.size
                self._write(channel, agent.path.read_bytes())
                limit_s = ANSWER_S + agent.size / SLOWEST
            elif word == "place":
                places.append(text)
            else:
                raise self._refused(channel, agent, word, text, places)

    @staticmethod
    def _refused(channel: Channel, agent: AgentFile, word: str, text: str, places: list[str]) -> Exception:
        if word == "lack":
            return BoardError(f"{channel.where}: the device lacks{text}", "install coreutils or busybox on it")
        if any("does not start" in place for place in places):
            return BoardError(
                f"{channel.where}: the agent for {agent.arch} does not run there: {'; '.join(places)}",
                "the system must be Linux for that processor; run the agent's --version there to see more",
            )
        return LinkError(
            f"{channel.where}: there is no place for the agent ({agent.size} bytes): {'; '.join(places)}",
            "free space, or give the user a folder that is writable and not mounted noexec; XDG_DATA_HOME there names it",
            "no_place",
        )

    def _script(self, agent: AgentFile) -> bytes:
        """One line: the script with everything that a shell's printf or `read` would take for something else written in octal."""
        need = agent.size // 1024 + 64
        head = f"nonce={self._nonce}\nsum={agent.sha256}\nsize={agent.size}\nneed={need}\npassing={int(self._passing)}\n"
        lines = SCRIPT.read_text(encoding="ascii").splitlines()
        text = head + "\n".join(line.strip() for line in lines if not line.startswith("#"))
        return "".join(f"\\0{ord(c):03o}" if c in "\\\n" else c for c in text).encode("ascii") + b"\n"

    def _write(self, channel: Channel, data: bytes) -> None:
        for at in range(0, len(data), _STEP):
            self._check_cancel(channel)
            channel.write(data[at : at + _STEP], ANSWER_S)

    def _check_cancel(self, channel: Channel) -> None:
        if self._cancel is not None and self._cancel.is_set():
            raise LinkError(f"{channel.where}: interrupted", "it runs what it ran before; repeat the command")

    def _answer(self, channel: Channel, limit_s: float) -> tuple[str, str]:
        """The next word of the script, and the rest of its line."""
        end = time.monotonic() + limit_s
        while True:
            while b"\n" in self._in:
                line, _, rest = bytes(self._in).partition(b"\n")
                self._in[:] = rest
                if line.startswith(self._word):
                    word, _, text = line[len(self._word) :].decode("utf-8", "replace").rstrip("\r").partition(" ")
                    return word, text
                self._said = line if line.strip() else self._said
            self._check_cancel(channel)
            left = end - time.monotonic()
            if left <= 0:
                raise self._silent(channel, limit_s)
            data = channel.read(1 << 16, min(left, 1.0))
            self._in += data
            self._noise += len(data)
            if self._noise > MAX_NOISE:
                raise problems.no_shell(channel.where, f"more than {MAX_NOISE} bytes came before it")

    @staticmethod
    def _silent(channel: Channel, limit_s: float) -> LinkError:
        return problems.silent(channel.where, limit_s, channel.stage())
