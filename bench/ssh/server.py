"""A real sshd on 127.0.0.1, run in a folder: its own keys, its own home, one account (that of whoever runs it)."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from edgeq_host import agents

USER = pwd.getpwuid(os.getuid()).pw_name
SFTP = "/usr/lib/openssh/sftp-server"


def program(name: str) -> str | None:
    """Where a program is, or None."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "", comment: str = "test") -> Path:
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", comment, "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def public(path: Path) -> str:
    """Type and key, without the comment."""
    return " ".join(path.with_name(path.name + ".pub").read_text().split()[:2])


def fingerprint(path: Path) -> str:
    done = subprocess.run(["ssh-keygen", "-lf", str(path) + ".pub"], check=True, capture_output=True, text=True)
    return done.stdout.split()[1]


@dataclass
class Sshd:
    """One server. Options are lines of sshd_config; environment is what its sessions get."""

    folder: Path
    key: Path  # of the client: may log in
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    host_kind: str = "ed25519"
    port: int = 0
    start_limit_s: ClassVar[float] = 15.0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        self.home = self.there / "home"
        (self.folder / "home").mkdir(exist_ok=True)
        self.host_key = self.folder / "host_key"
        if not self.host_key.exists():
            make_key(self.host_key, self.host_kind)
        (self.folder / "authorized_keys").write_text(public(self.key) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def there(self) -> Path:
        """What the folder is called where the server runs."""
        return self.folder

    @property
    def listens_at(self) -> tuple[str, int]:
        """Address and port where the server runs."""
        return "127.0.0.1", self.port

    @property
    def store(self) -> Path:
        return self.home / ".local" / "share" / "edgeq" / "local"

    @property
    def agents(self) -> Path:
        return self.home / ".local" / "share" / "edgeq" / "agents"

    @property
    def known(self) -> str:
        """Its line of known_hosts."""
        return f"[127.0.0.1]:{self.port} {public(self.host_key)}\n"

    def _config(self) -> str:
        environment = {"HOME": str(self.home), **self.environment}
        pairs = " ".join(f'"{key}={value}"' for key, value in environment.items())
        address, port = self.listens_at
        lines = [
            *self.options,  # the first value of a keyword holds
            f"Port {port}",
            f"ListenAddress {address}",
            f"HostKey {self.there}/host_key",
            f"AuthorizedKeysFile {self.there}/authorized_keys",
            f"PidFile {self.there}/pid",
            f"SetEnv {pairs}",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            f"Subsystem sftp {SFTP}",
            "MaxStartups 100",
        ]
        return "\n".join(lines) + "\n"

    def _sshd(self) -> list[str]:
        sshd = program("sshd")
        if sshd is None:
            raise FileNotFoundError("sshd is not installed: apt-get install openssh-server")
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        return [sshd]

    def _command(self) -> list[str]:
        return [*self._sshd(), "-D", "-e", "-f", str(self.folder / "sshd_config")]

    def start(self) -> Sshd:
        (self.folder / "sshd_config").write_text(self._config())
        log = open(self.folder / "log", "ab")  # noqa: SIM115 (the server's)
        self._process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        wait_until(lambda: self._listens() or self._ended(), "sshd listens", self.start_limit_s)
        if self._ended():  # the port may be somebody else's
            raise OSError(f"sshd has ended: {self.log()}")
        return self

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
            return connection.recv(4) == b"SSH-"
        return False

    def _ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def children(self) -> list[int]:
        """Every process below the server, sessions first."""
        assert self._process is not None
        return descendants(self._process.pid)

    def agents_running(self) -> list[int]:
        """Process ids of agents that were started from the home of this server."""
        return [pid for pid, words in programs().items() if f"{self.home}/" in words and "/edgeq-agent-" in words]

    def kill_sessions(self, number: int = signal.SIGKILL) -> None:
        for pid in self.children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self) -> None:
        if self._process is not None:
            sessions = self.children()
            self._process.terminate()
            for pid in sessions:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait(10)
            self._process = None


def descendants(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                parents.setdefault(int((entry / "stat").read_text().rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found, todo = [], [root]
    while todo:
        below = parents.get(todo.pop(), [])
        found += below
        todo += below
    return found


def programs() -> dict[int, str]:
    """What runs, by process id: the path of the program, and its words."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found[int(entry.name)] = f"{os.readlink(entry / 'exe')} {words}"
    return found


def wait_until(condition: object, what: str, limit_s: float = 15.0) -> None:
    assert callable(condition)
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"waited {limit_s:.0f} s until {what}"
        time.sleep(0.02)


@contextlib.contextmanager
def running(server: Sshd) -> Iterator[Sshd]:
    try:
        yield server.start()
    finally:
        server.stop()


def device_folder(folder: Path, arch: str, agent: Path) -> Path:
    """A folder of agents as a wheel has it (edgeq_host.agents.FOLDER), with one agent in it."""
    data = agent.read_bytes()
    (folder / arch).mkdir(parents=True)
    (folder / arch / agents.AGENT).write_bytes(data)
    (folder / agents.SUMS).write_text(f"{hashlib.sha256(data).hexdigest()}  {arch}/{agents.AGENT}\n")
    return folder
