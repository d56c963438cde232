"""At a terminal: passphrases are asked there, by ssh or by edgeq, and Ctrl-C is for edgeq alone."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.ssh.server import Sshd, descendants, make_key, public, wait_until
from tests.ssh.conftest import Site

ROOT = Path(__file__).parents[2]
SCRIPT = """
import fcntl, sys, termios, time
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from pathlib import Path
from edgeq_host import agents
from edgeq_host.deploy import connect
from edgeq_host.targets import Target
from edgeq_host.transports import Options
agents.FOLDER = Path(sys.argv[1])
try:
    with connect(Target("device", sys.argv[2], None, Options(ssh=sys.argv[3], identity=sys.argv[4]))) as device:
        try:
            print("READY", flush=True)
            time.sleep(30)
        except KeyboardInterrupt:
            print("THEN", device.facts().agent, flush=True)
except KeyboardInterrupt:
    print("LEFT", flush=True)
"""


class Terminal:
    def __init__(self, master: int) -> None:
        self.master, self.seen = master, ""

    def expect(self, text: str, limit_s: float = 20.0) -> None:
        end = time.monotonic() + limit_s
        while text not in self.seen:
            assert time.monotonic() < end, f"no {text!r} in {self.seen!r}"
            if select.select([self.master], [], [], 0.1)[0]:
                self.seen += self._read()

    def _read(self) -> str:
        try:
            return os.read(self.master, 4096).decode(errors="replace")
        except OSError:  # the other end has closed
            raise AssertionError(f"it ended: {self.seen!r}") from None

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())


@contextmanager
def session(site: Site, server: Sshd, agents: Path, key: Path) -> Iterator[tuple[Terminal, subprocess.Popen[bytes]]]:
    master, slave = pty.openpty()
    command = [sys.executable, "-c", SCRIPT, str(agents), site.target(server).address, site.client, str(key)]
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, start_new_session=True)
    os.close(slave)
    try:
        yield Terminal(master), process
    finally:
        process.kill()
        process.wait()
        os.close(master)


@pytest.fixture
def locked(site: Site, tmp_path: Path) -> tuple[Sshd, Path]:
    """A server, and its user's key, which needs the passphrase "sesame"."""
    server = site.server()
    key = make_key(tmp_path / "locked", passphrase="sesame")
    (server.folder / "authorized_keys").write_text(public(key))
    return server, key


def test_the_passphrase_is_asked_and_ctrl_c_is_for_the_host_alone(site: Site, locked: tuple[Sshd, Path], local_agents: Path) -> None:
    server, key = locked
    with session(site, server, local_agents, key) as (terminal, process):
        terminal.expect("passphrase for key")
        terminal.type("sesame\n")
        terminal.expect("READY")
        assert "sesame" not in terminal.seen
        terminal.type("\x03")
        terminal.expect("THEN edgeq-agent")
        assert process.wait(10) == 0


def test_ctrl_c_at_the_question_ends_everything(site: Site, locked: tuple[Sshd, Path], local_agents: Path) -> None:
    server, key = locked
    with session(site, server, local_agents, key) as (terminal, process):
        terminal.expect("passphrase for key")
        below = descendants(process.pid)
        terminal.type("\x03")
        terminal.expect("LEFT")
        assert process.wait(10) == 0
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below), "no ssh is left")
