"""The user's own OpenSSH client on a pipe: where `ssh HOST` works in a terminal, this does, by the same configuration.

Prompts (the passphrase of a key, a password, the touch of a hardware key) are ssh's own, on the terminal, which is why the process stays
in the terminal's session; started with SIGINT ignored, which ssh and the clients it starts for jump hosts leave so, it does not end by
Ctrl-C: that is for the host alone, which then ends the link in order. Without a terminal it gets a session of its own and BatchMode.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping

from edgeq_host.errors import UsageError
from edgeq_host.ssh import diagnosis, problems
from edgeq_host.ssh.address import Address
from edgeq_host.stream import ProcessStream
from edgeq_host.transports import Closed, Options

CONNECT_S = 10  # where the user's configuration says nothing
ALIVE_S, ALIVE_COUNT = 10, 3  # asks the device that often when it is silent, and gives up after that many times
_LOOK_S = 20.0  # for ssh to read its configuration; a `Match exec` in it may take some time
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
    command = [*_base(address, options), "-G", "--", address.host]
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
    if not asks:
        wanted["BatchMode"] = "yes"
    if config.get("connecttimeout", "none") in ("none", "0"):
        wanted["ConnectTimeout"] = str(CONNECT_S)
    if config.get("serveraliveinterval", "0") == "0":
        wanted.update(ServerAliveInterval=str(ALIVE_S), ServerAliveCountMax=str(ALIVE_COUNT))
    return wanted


def _ended_here(code: int) -> str:
    return f"ssh on this machine was ended by signal {-code}"


class OpenSsh(ProcessStream):
    """A Channel: a command on the device, on its standard input and output."""

    def __init__(self, address: Address, options: Options, command: str) -> None:
        self.where = f"ssh:{address}"
        self._config = effective(address, options)
        self.asks = interactive(options)
        seconds = self._config.get("connecttimeout", "none")
        self.connect_s = float(seconds) if seconds.isdigit() and int(seconds) else float(CONNECT_S)
        settings = _settings(options, self._config, self.asks)
        words = [*_base(address, options), "-T", "-a", "-x", *(word for key in settings for word in ("-o", f"{key}={settings[key]}"))]
        environment = dict(os.environ) if self.asks else {**os.environ, "SSH_ASKPASS_REQUIRE": "never"}
        start = ["sh", "-c", _IGNORING_INT, "sh", *words, "--", address.host, command]
        super().__init__(start, "install the OpenSSH client", self._end, not self.asks, environment)

    def stage(self) -> str:
        """How far the connection has come, for an error that says where it hangs."""
        return diagnosis.stage(self.errors())

    def explain(self, code: int | None, said: str) -> Exception:
        if code is not None and code < 0:
            return problems.unreachable(self.where, "connection_lost", _ended_here(code))
        return diagnosis.explain(self.where, self.errors(), code, self._config, said)

    def _end(self, code: int | None, errors: str) -> Closed:
        """While the agent runs: what became of the connection, or of the agent."""
        text = " ".join(diagnosis.plain(errors)[-3:])[-400:]
        if code is not None and code < 0:
            return Closed(_ended_here(code), code=code)
        if diagnosis.killed(errors):
            return Closed("the agent was killed", code=code)
        if code == diagnosis.SSH_FAILED:
            return Closed(f"the connection was lost{': ' + text if text else ''}", code=code)
        how = "closed its output" if code is None else f"ended with code {code}"
        return Closed(f"the agent {how}" + (f": {text}" if text else ""), usage=code == UsageError.code, code=code)
