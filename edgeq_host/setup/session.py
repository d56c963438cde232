"""A Python on the device that does what it is told: device_program.py over one channel."""

from __future__ import annotations

import contextlib
import json
import secrets
import shlex
import time
from pathlib import Path
from typing import Any

from edgeq_host.errors import BoardError, EdgeqError, LinkError, UsageError
from edgeq_host.targets import Target
from edgeq_host.transports import Closed, Stuck, open_program

PROGRAM = Path(__file__).with_name("device_program.py")
QUIET_S = 120.0  # of one order: a slow card syncs, a fresh interpreter starts
MAX_ANSWER = 1 << 20
KILL_S = 20.0
LOST = 255  # ssh's own code where the connection went
NOT_FOUND = 127  # what shells end with where there is no such program
OLDEST_PYTHON = (3, 6)
# The shell says its number, which stays that of the interpreter. Then one line without anything that some login shell would take for its
# own, and that the oldest Python understands: it refuses itself where device_program.py would be no Python to it.
_SHELL = 'echo; echo "$0" $$; exec "$@"'
_START = (
    'import json, sys; text = "its Python is " + sys.version.split()[0] + ", {1}.{2} or newer is needed"; '
    'sys.version_info[:2] < ({1}, {2}) and sys.exit(sys.stdout.write("{0} " + json.dumps(dict(refused="old", text=text)) + chr(10))); '
    "exec(sys.stdin.buffer.readline())"
)
_HINTS = {
    "old": "name another with --interpreter",
    "import": "nothing was changed; report it with the output of `edgeq devices probe`",
    "other": "nothing was changed; take the other one away: PYTHONPATH, a .pth file or pip of the device has brought it",
    "damaged": "nothing was changed; repeat the command",
    "os": "nothing was changed; check the folder, its rights and the free space there",
    "systemd": "nothing was changed; the device needs systemd with a user manager: log in there and try `systemctl --user status`",
}


class PythonSession:
    """Use it in a `with`. LinkError where the device cannot be reached, BoardError where it has no Python or refuses an order."""

    def __init__(self, target: Target, interpreter: str = "python3") -> None:
        if not interpreter.strip() or not interpreter.isprintable():
            raise UsageError(
                f"{interpreter!r} is no program", "--interpreter names a Python of the device, such as python3.11, or its path"
            )
        self._target, self._name, self._interpreter = target, target.name, interpreter
        self._word = f"edgeq-{secrets.token_hex(8)}"
        self._in = bytearray()
        self._answered = False
        self._pid = ""
        self._said = b""  # the last line that is no answer
        start = _START.format(self._word, *OLDEST_PYTHON)
        command = shlex.join(["sh", "-c", _SHELL, self._word, interpreter, "-u", "-c", start])
        self._channel = open_program(target.address, target.options, command)
        text = PROGRAM.read_text(encoding="utf-8").replace('WORD = "edgeq"', f'WORD = "{self._word}"', 1)
        self._write(f"exec(bytes.fromhex('{text.encode('utf-8').hex()}').decode('utf-8'))\n".encode("ascii"))

    def __enter__(self) -> PythonSession:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def order(self, name: str, data: bytes = b"", **fields: Any) -> dict[str, Any]:
        """Have it done; what it answers."""
        self._write(json.dumps({"order": name, "bytes": len(data), **fields}).encode("ascii") + b"\n" + data)
        try:
            answer: dict[str, Any] = json.loads(self._line())
            if "refused" in answer:
                raise BoardError(f"{self._name}: {answer['text'][:400]}", _HINTS.get(str(answer["refused"]), "nothing was changed"))
            done: dict[str, Any] = answer["done"]
        except (ValueError, KeyError, TypeError) as error:
            raise LinkError(f"{self._name}: its answer makes no sense: {error}", "repeat the command") from error
        return done

    def _write(self, data: bytes) -> None:
        """Where the other end has gone, `_line` reads what it has said before."""
        try:
            with contextlib.suppress(Closed):
                self._channel.write(data, QUIET_S)
        except Stuck:
            raise self._silent() from None

    def _line(self) -> str:
        """The next line that is an answer; greetings of the login shell are passed over."""
        end = time.monotonic() + QUIET_S
        while time.monotonic() < end:
            line, newline, rest = bytes(self._in).partition(b"\n")
            if newline:
                self._in[:] = rest
                word, _, text = line.decode("utf-8", "replace").partition(" ")
                if word == self._word and text.isdigit():
                    self._pid = text
                elif word == self._word:
                    self._answered = True
                    return text
                else:
                    self._said = line.strip() or self._said
                continue
            try:
                self._in += self._channel.read(1 << 16, 1.0)
            except Closed as end_:
                raise self._gone(end_) from end_
            if len(self._in) > MAX_ANSWER:
                break
        raise self._silent()

    def _gone(self, end: Closed) -> Exception:
        said = (bytes(self._in).strip() or self._said).decode("utf-8", "replace")[-400:]
        if self._answered:
            return LinkError(f"{self._name}: {end}", "repeat the command")
        if not self._pid or end.code is None or not 0 <= end.code < LOST:
            return self._channel.explain(end.code, said)
        if end.code == NOT_FOUND:
            text = f"{self._name}: there is no {self._interpreter}"
            return BoardError(text, "install Python 3.6 or newer there, or name another with --interpreter")
        if "ModuleNotFoundError" in str(end):
            text = f"{self._name}: its Python is not whole: {str(end).rpartition(': ')[2]}"
            return BoardError(text, "install python3 there, not python3-minimal alone")
        said = said or str(end).partition(": ")[2]
        text = f"{self._name}: {self._interpreter} is no Python: it ended with code {end.code}" + (f": {said}" if said else "")
        return BoardError(text, "name a Python of the device, 3.6 or newer, with --interpreter")

    def _silent(self) -> LinkError:
        """What was started there does not go on when the connection ends."""
        what, hint = "silent", "check that it is on and connected, then repeat the command"
        if self._pid and not self._answered:
            what, hint = f"{self._interpreter} there has been silent", f"name a Python with --interpreter, or {hint}"
        left = "" if not self._pid else "; it was ended there" if self._kill() else "; it may run there still"
        return LinkError(f"{self._name}: {what} for {QUIET_S:.0f} s{left}", hint)

    def _kill(self) -> bool:
        try:
            killer = open_program(self._target.address, self._target.options, f"kill -9 {self._pid}")
        except EdgeqError:
            return False
        try:
            end = time.monotonic() + KILL_S
            while time.monotonic() < end:
                killer.read(1 << 16, 1.0)
        except Closed as done:
            return done.code == 0
        finally:
            killer.close()
        return False
