"""The user's own OpenSSH client on a pipe: where `ssh HOST` works in a terminal, this does, by the same configuration.

Prompts (the passphrase of a key, a password, the touch of a hardware key) are ssh's own, on the terminal, which is why the process stays
in the terminal's session; started with SIGINT ignored, which ssh and the clients it starts for jump hosts leave so, it does not end by
Ctrl-C: that is for the host alone, which then ends the link in order. Without a terminal it gets a session of its own and BatchMode.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from edgeq_host.errors import UsageError
from edgeq_host.ssh import diagnosis, identity, jumps, problems
from edgeq_host.ssh.address import Address
from edgeq_host.ssh.jumps import Jump
from edgeq_host.stream import ProcessStream
from edgeq_host.transports import Closed, Options

CONNECT_S = 10  # where the user's configuration says nothing
ALIVE_S, ALIVE_COUNT = 10, 3  # asks the device that often when it is silent, and gives up after that many times
_LOOK_S = 20.0  # for ssh to read its configuration; a `Match exec` in it may take some time
# A command needs its channel, its input and a client that stays; ssh before 8.7 has no such keywords.
_OF_THE_CHANNEL = {"SessionType": "default", "StdinNull": "no", "ForkAfterAuthentication": "no"}
_IGNORING_INT = 'trap "" INT; exec "$@"'


def program() -> str | None:
    return shutil.which("ssh")


def config_file() -> str:
    """EDGEQ_SSH_CONFIG: read in the place of the user's and the system's configuration, as by `ssh -F`."""
    return os.environ.get("EDGEQ_SSH_CONFIG", "")


def interactive(options: Options) -> bool:
    """Whether there is somebody to ask."""
    return not options.no_input and sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None and sys.stderr.isatty()


def _base(address: Address, options: Options) -> list[str]:
    """Words that say which host, as which user, with which key."""
    words = ["ssh", *(["-F", config_file()] if config_file() else [])]
    if address.user:
        words += ["-l", address.user]
    if address.port:
        words += ["-p", str(address.port)]
    if options.identity:
        words += ["-i", options.identity, "-o", "IdentitiesOnly=yes"]
    return words


def effective(address: Address, options: Options) -> dict[str, str]:
    """What ssh would do by all of its configuration, by lower-case keyword. UsageError where a file of it is wrong."""
    # With a command, without which ForkAfterAuthentication is an error here already; RemoteCommand beside one is, too.
    command = [*_base(address, options), "-o", "RemoteCommand=none", "-G", "--", address.host, "true"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_LOOK_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"ssh cannot read its configuration: {error}", "try: ssh -G HOST") from error
    if done.returncode != 0:
        text = " ".join(done.stderr.split())
        raise UsageError(f"ssh does not take its configuration: {text[-400:]}", "mend that file; `ssh -G HOST` reads it")
    lines = (line.partition(" ") for line in done.stdout.splitlines())
    found: dict[str, str] = {}
    for keyword, _, value in lines:
        found.setdefault(keyword, value)
    return found


def _settings(options: Options, config: Mapping[str, str], asks: bool) -> dict[str, str]:
    """What edgeq needs beside the user's configuration. DEBUG1 tells which keys were offered and which key the host has shown."""
    wanted = {
        "LogLevel": "DEBUG1",
        "StrictHostKeyChecking": "accept-new" if options.accept_new_host_key else "yes",
        "ClearAllForwardings": "yes",  # no port is opened, whatever the configuration does for a terminal
        "ControlMaster": "no",  # a master that runs is used; this process does not become one, which others would depend on
        "RemoteCommand": "none",
    }
    wanted.update({keyword: value for keyword, value in _OF_THE_CHANNEL.items() if config.get(keyword.lower(), value) != value})
    if not asks:
        wanted["BatchMode"] = "yes"
    if config.get("connecttimeout", "none") in ("none", "0"):
        wanted["ConnectTimeout"] = str(CONNECT_S)
    if config.get("serveraliveinterval", "0") == "0":
        wanted.update(ServerAliveInterval=str(ALIVE_S), ServerAliveCountMax=str(ALIVE_COUNT))
    return wanted


def _has_agent(config: Mapping[str, str]) -> bool:
    agent = config.get("identityagent", "SSH_AUTH_SOCK")
    return bool(os.environ.get(agent)) if agent == "SSH_AUTH_SOCK" else agent != "none"


def _words(address: Address, options: Options, config: Mapping[str, str], asks: bool) -> list[str]:
    """ssh with all that edgeq sets, up to the host."""
    settings = _settings(options, config, asks)
    return [*_base(address, options), "-T", "-a", "-x", *(word for key in settings for word in ("-o", f"{key}={settings[key]}"))]


def _through(hops: Sequence[Jump], options: Options, asks: bool) -> list[str]:
    """Words that lead a connection through these hosts. ssh starts its own command for ProxyJump without what edgeq sets, so that host
    keys of jump hosts would be checked by other rules, and what is wrong with them not be said."""
    if not hops:
        return []
    *before, last = hops
    words = [*_words(last.address, options, last.config, asks), "-E", str(last.log), *_through(before, options, asks)]
    escaped = [word.replace("%", "%%") for word in words]
    return ["-o", f"ProxyCommand={shlex.join([*escaped, '-W', '[%h]:%p', '--', last.address.host])}"]


def _ended_here(code: int) -> str:
    return f"ssh on this machine was ended by signal {-code}"


def connect_seconds(config: Mapping[str, str]) -> float:
    """ConnectTimeout of a host's configuration, or CONNECT_S."""
    seconds = config.get("connecttimeout", "")
    return float(seconds) if seconds.isdigit() and int(seconds) else float(CONNECT_S)


class OpenSsh(ProcessStream):
    """A Channel: a command on the device, on its standard input and output."""

    def __init__(self, address: Address, options: Options, command: str) -> None:
        self.where = f"ssh:{address}"
        self._config = effective(address, options)
        if options.identity:
            identity.check(Path(options.identity), public=_has_agent(self._config))
        self._accepts = options.accept_new_host_key
        self.asks = interactive(options)
        self.connect_s = connect_seconds(self._config)
        own = replace(options, identity="")  # as with ssh, -i is for the host itself
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._jumps: list[Jump] = []
        if jumps.named(self._config):
            self._folder = tempfile.TemporaryDirectory(prefix="edgeq-ssh-")
            self._jumps = jumps.chain(self._config, lambda hop: effective(hop, own), Path(self._folder.name))
        words = [*_words(address, options, self._config, self.asks), *_through(self._jumps, own, self.asks)]
        environment = dict(os.environ) if self.asks else {**os.environ, "SSH_ASKPASS_REQUIRE": "never"}
        start = ["sh", "-c", _IGNORING_INT, "sh", *words, "--", address.host, command]
        super().__init__(start, "install the OpenSSH client", self._end, not self.asks, environment)

    def _said_by_all(self) -> str:
        return "".join(jump.errors() for jump in self._jumps) + self.errors()

    def read(self, size: int, timeout_s: float) -> bytes:
        """UsageError where a host key was accepted that could not be recorded: whatever is shown the next time would be accepted, too."""
        data = super().read(size, timeout_s)
        if data and self._accepts:  # with the first bytes; the keys were looked at long before
            self._accepts = False
            unrecorded = diagnosis.unrecorded(self._said_by_all())
            if unrecorded is not None:
                raise unrecorded
        return data

    def stage(self) -> str:
        """How far the connection has come, for an error that says where it hangs."""
        return diagnosis.stage(self.errors(), self._jumps)

    def explain(self, code: int | None, said: str) -> Exception:
        if code is not None and code < 0:
            return problems.unreachable(self.where, "connection_lost", _ended_here(code))
        return diagnosis.explain(self.where, self.errors(), code, self._config, said, self._jumps)

    def close(self) -> None:
        super().close()
        if self._folder is not None:
            self._folder.cleanup()

    def _end(self, code: int | None, errors: str) -> Closed:
        """While the agent runs: what became of the connection, or of the agent."""
        text = " ".join(diagnosis.plain(self._said_by_all())[-3:])[-400:]
        if code is not None and code < 0:
            return Closed(_ended_here(code), code=code)
        if diagnosis.killed(errors):
            return Closed("the agent was killed", code=code)
        if diagnosis.failed(code, errors):
            return Closed(f"the connection was lost{': ' + text if text else ''}", code=code)
        how = "closed its output" if code is None else f"ended with code {code}"
        return Closed(f"the agent {how}" + (f": {text}" if text else ""), usage=code == UsageError.code, code=code)
