"""Real sshd servers and the two clients. Each test has its own configuration, home and store; nothing of the user's is read."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.ssh.proxy import Proxy
from bench.ssh.server import USER, Sshd, device_folder, make_key, program
from edgeq_host import agents, boards
from edgeq_host.deploy import status
from edgeq_host.errors import EdgeqError, LinkError
from edgeq_host.targets import Target
from edgeq_host.transports import Closed, Options, open_program
from edgeq_runtime import build

ROOT = Path(__file__).parents[2]


def needs(name: str, package: str) -> None:
    """Skip where a program is missing."""
    if program(name) is None:
        pytest.skip(f"{name} is not installed: apt-get install {package}")


@pytest.fixture(scope="session")
def local_agents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the agent for this machine, which is what an sshd here needs."""
    agent = build.build("agent", build.config_for("agent", None, False))
    return device_folder(tmp_path_factory.mktemp("devices"), platform.machine(), agent)


@pytest.fixture(scope="session")
def root() -> Path:
    """Made once and kept in build/."""
    for name, package in (("mmdebstrap", "mmdebstrap"), ("proot", "proot"), ("qemu-aarch64-static", "qemu-user-static")):
        needs(name, package)
    if os.getuid() != 0:
        pytest.skip("making the root file system needs root")
    folder = build.BUILD / "rootfs-arm64"
    _make_once(folder, ROOT / "tools" / "rootfs.sh", folder)
    return folder


@pytest.fixture(scope="session")
def full_system(root: Path) -> Path:
    """Kernel, initramfs and disk of that root file system, made once and kept in build/."""
    needs("qemu-system-aarch64", "qemu-system-arm")
    needs("mke2fs", "e2fsprogs")
    folder = build.BUILD / "full-system"
    _make_once(folder, sys.executable, ROOT / "tools" / "full_system.py", folder, root)
    return folder


def _make_once(folder: Path, *command: str | Path) -> None:
    """Each maker does nothing where its folder is complete; one at a time makes it."""
    folder.parent.mkdir(exist_ok=True)
    with open(folder.with_suffix(".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(command, check=True)


@pytest.fixture(scope="session")
def arm64_agents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    agent = build.build("agent", build.config_for("agent", None, False, "aarch64"))
    return device_folder(tmp_path_factory.mktemp("arm64"), "aarch64", agent)


def said_there(target: Target, command: str) -> str:
    """What a command on the device prints."""
    program = open_program(target.address, target.options, command)
    found = b""
    try:
        with contextlib.suppress(Closed):
            while True:
                found += program.read(1 << 16, 30.0)
    finally:
        program.close()
    return found.decode()


@pytest.fixture(scope="session")
def user_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    needs("sshd", "openssh-server")
    needs("ssh", "openssh-client")
    return make_key(tmp_path_factory.mktemp("keys") / "id", comment="user")


@pytest.fixture(params=["openssh", "paramiko"])
def client(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextlib.contextmanager
def agent(socket: Path, key: Path) -> Iterator[Path]:
    """An ssh-agent that holds the key."""
    needs("ssh-agent", "openssh-client")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            assert process.poll() is None
        environment = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
        subprocess.run(["ssh-add", "-q", key], check=True, stdin=subprocess.DEVNULL, env=environment)
        yield socket
    finally:
        process.kill()
        process.wait()


class Site:
    """This side: an ssh configuration, known hosts, the client under test. The servers that a test starts are stopped with it."""

    def __init__(self, folder: Path, key: Path, client: str) -> None:
        self.folder, self.key, self.client = folder, key, client
        self.known = folder / "known_hosts"
        self.known.touch()
        self.config = folder / "config"
        self.configure()
        self._servers: list[Sshd] = []
        self._proxies: list[Proxy] = []

    def configure(self, first: str = "", key: Path | None = None) -> None:
        """first: lines before the rest, which they override."""
        lines = [f"IdentityFile {key or self.key}", "IdentitiesOnly yes", f"UserKnownHostsFile {self.known}", "GlobalKnownHostsFile none"]
        self.config.write_text(first + "\nHost *\n" + "".join(f"  {line}\n" for line in lines))

    def server(self, name: str = "device", known: bool = True, kind: type[Sshd] = Sshd, start: bool = True, **more: Any) -> Sshd:
        server = kind(self.folder / name, self.key, **more)
        self._servers.append(server)
        if known:
            self.known.write_text(self.known.read_text() + server.known)
        return server.start() if start else server

    def proxy(self, server: Sshd, **how: Any) -> Proxy:
        """In front of a server whose key is known under the proxy's port, too."""
        proxy = Proxy(server.port, **how)
        self._proxies.append(proxy)
        self.known.write_text(self.known.read_text() + server.known.replace(str(server.port), str(proxy.port), 1))
        return proxy

    def target(self, place: Sshd | Proxy | str, **options: Any) -> Target:
        address = place if isinstance(place, str) else f"{USER}@127.0.0.1:{place.port}"
        return Target("device", f"ssh:{address}", boards.resolve("local"), Options(ssh=self.client, **options))

    def file(self, name: str, data: bytes) -> Path:
        path = self.folder / f"{name}.eqm"
        path.write_bytes(data)
        return path

    def close(self) -> None:
        for proxy in self._proxies:
            proxy.close()
        for server in self._servers:
            server.stop()


@pytest.fixture
def site(client: str, user_key: Path, local_agents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name in ("EDGEQ_SSH", "EDGEQ_STORE", "SSH_AUTH_SOCK", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(agents, "FOLDER", local_agents)
    made = Site(tmp_path, user_key, client)
    monkeypatch.setenv("EDGEQ_SSH_CONFIG", str(made.config))
    assert os.environ["EDGEQ_SSH_CONFIG"]
    yield made
    made.close()


def problem(target: Target) -> EdgeqError:
    with pytest.raises(EdgeqError) as caught:
        status(target)
    error = caught.value
    assert error.hint and "Traceback" not in error.message and "PRIVATE" not in error.message
    return error


def unreached(target: Target, kind: str, *words: str) -> LinkError:
    """The one error that both clients give: code 4, this kind; `words` stand in its message."""
    error = problem(target)
    assert isinstance(error, LinkError) and error.code == 4
    assert error.kind == kind, (error.kind, error.message)
    for word in words:
        assert word in error.message, (word, error.message)
    return error
