"""An SSH channel by paramiko, where there is no OpenSSH client. Host keys are checked as strictly; the errors are the same."""

from __future__ import annotations

import contextlib
import logging
import shlex
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko

from edgeq_host.errors import EdgeqError, LinkError, UsageError
from edgeq_host.ssh import address as addresses
from edgeq_host.ssh import config, hosts, identity, keys, problems
from edgeq_host.ssh.address import Address
from edgeq_host.ssh.config import Settings
from edgeq_host.ssh.identity import Unusable
from edgeq_host.ssh.openssh import ALIVE_S, interactive
from edgeq_host.transports import Closed, Options, Stuck

LOGIN_S = 30.0
_END_S = 2.0  # for the agent to end by itself once its input is closed
_CHUNK = 1 << 16
_RSA = ("rsa-sha2-512", "rsa-sha2-256")  # how a key of type ssh-rsa signs

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # else its threads print what is reported as an error anyway


def _network(where: str, error: Exception) -> LinkError:
    text = str(error.strerror or error) if isinstance(error, OSError) else str(error)
    if isinstance(error, socket.gaierror):
        return problems.unreachable(where, "name_not_found", text)
    if isinstance(error, ConnectionRefusedError):
        return problems.unreachable(where, "connection_refused", text)
    if isinstance(error, TimeoutError):
        return problems.unreachable(where, "timed_out", text)
    if isinstance(error, OSError):
        return problems.unreachable(where, "no_route", text)
    return problems.unreachable(where, "connection_lost", text or type(error).__name__)


def _socket(settings: Settings, where: str) -> Any:
    if settings.proxy_command:
        return paramiko.ProxyCommand("sh -c " + shlex.quote(f'trap "" INT; exec {settings.proxy_command}'))
    try:
        opened = socket.create_connection((settings.host, settings.port), settings.connect_s)
    except OSError as error:
        raise _network(where, error) from error
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


class _Hop:
    """A connection to one host, checked and logged in."""

    def __init__(self, settings: Settings, options: Options, where: str, through: Any) -> None:
        self.settings, self.options, self.where = settings, options, where
        self.transport = paramiko.Transport(through)
        self.transport.banner_timeout = self.transport.handshake_timeout = settings.connect_s
        self.transport.auth_timeout = LOGIN_S
        try:
            self._check_host()
            self._log_in()
            self.transport.set_keepalive(ALIVE_S)
        except BaseException:
            self.transport.close()
            raise

    def _check_host(self) -> None:
        known = hosts.lookup(self.settings.known, self.settings.key_name)
        self._prefer([entry.key.type for entry in known if not entry.revoked])
        try:
            self.transport.start_client(timeout=self.settings.connect_s)
            if not self.transport.initial_kex_done:  # it returns when the time is over
                raise TimeoutError("no keys were agreed in time")
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self._not_begun(error) from error
        shown = self.transport.get_remote_server_key()
        blob = shown.asbytes()
        label = f"{shown.get_name()} {hosts.fingerprint(blob)}"
        for entry in known:
            if entry.revoked and entry.blob == blob:
                raise problems.host_key_revoked(self.where, label, f"{entry.key.file}:{entry.key.line}")
        sound = [entry for entry in known if not entry.revoked]
        if any(entry.blob == blob for entry in sound):
            return
        if sound:
            raise problems.host_key_changed(self.where, self.settings.key_name, [entry.key for entry in sound], label)
        if not self.options.accept_new_host_key:
            raise problems.host_key_unknown(self.where, label)
        if self.settings.known:
            hosts.record(self.settings.known[0], self.settings.key_name, shown.get_name(), blob)

    def _prefer(self, types: list[str]) -> None:
        """Ask the host for a key of a type that is on record, as OpenSSH does: another one would look like a change."""
        security = self.transport.get_security_options()
        wanted = [name for kind in types for name in (_RSA if kind == "ssh-rsa" else (kind,))]
        have = list(security.key_types)
        security.key_types = tuple(sorted(have, key=lambda name: name not in wanted))

    def _not_begun(self, error: Exception) -> LinkError:
        text = str(error) or type(error).__name__
        if self.settings.proxy_command:
            return problems.jump_failed(self.where, self.settings.proxy_command, text)
        if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError) or "imeout" in text:
            return problems.unreachable(self.where, "timed_out", text)
        if "no acceptable" in text:
            return problems.other(self.where, text)
        return problems.unreachable(self.where, "connection_lost", text)

    def _methods(self) -> tuple[bool, str]:
        """Whether the host lets us in as we are, and what it accepts."""
        try:
            self.transport.auth_none(self.settings.user)
        except paramiko.BadAuthenticationType as error:
            return False, ",".join(error.allowed_types)
        return True, ""

    def _log_in(self) -> None:
        tried: list[str] = []
        unusable: list[Unusable] = []
        methods = ""
        try:
            inside, methods = self._methods()
            for found in keys.candidates(self.settings, self.options.identity, interactive(self.options)):
                if inside:
                    return
                if isinstance(found, Unusable):
                    unusable.append(found)
                    continue
                label, key = found
                tried.append(f"offered {label}")
                inside = self._offer(key, tried)
            if inside:
                return
        except (paramiko.SSHException, EOFError, OSError) as error:
            if not tried:
                raise _network(self.where, error) from error
            tried.append(f"then the connection ended: {error}; name the right key with --identity")
        raise problems.key_refused(self.where, methods, tried, unusable)

    def _offer(self, key: paramiko.PKey, tried: list[str]) -> bool:
        try:
            further = self.transport.auth_publickey(self.settings.user, key)
        except paramiko.AuthenticationException:
            return False
        if further:
            tried.append(f"it was taken, but {','.join(further)} is asked for besides, which only the OpenSSH client can do")
        return not further


def _onwards(hop: _Hop, settings: Settings, where: str) -> Any:
    """A connection from a jump host to the next."""
    try:
        return hop.transport.open_channel("direct-tcpip", (settings.host, settings.port), ("127.0.0.1", 0), timeout=settings.connect_s)
    except paramiko.ChannelException as error:
        lowered = error.text.lower()
        kind = "timed_out" if "timed out" in lowered else "name_not_found" if "not known" in lowered else "connection_refused"
        raise problems.unreachable(where, kind, f"from {hop.settings.host}: {error.text}") from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise _network(where, error) from error


def _hops(address: Address, options: Options, where: str) -> Iterator[_Hop]:
    """The jump hosts of the configuration in their order, then the host itself; each through the one before."""
    settings = config.read(address.host, address.user, address.port)
    before: _Hop | None = None
    for name in filter(None, (part.strip() for part in settings.proxy_jump.split(","))):
        jump = addresses.parse(name.removeprefix("ssh:"))
        try:
            own = config.read(jump.host, jump.user, jump.port)
            through = _onwards(before, own, where) if before else _socket(own, where)
            before = _Hop(own, options, f"{where}: jump host {name}", through)
        except LinkError as error:
            if error.kind in problems.OF_HOST_KEYS:
                raise
            raise problems.jump_failed(where, name, error.message) from error
        yield before
    yield _Hop(settings, options, where, _onwards(before, settings, where) if before else _socket(settings, where))


class Paramiko:
    """A Channel: a command on the device, on its standard input and output."""

    reliable = True
    brought = 0

    def __init__(self, address: Address, options: Options, command: str) -> None:
        self.where = f"ssh:{address}"
        if options.identity:
            identity.check(Path(options.identity))
        self.asks = False  # once a channel stands nobody is asked any more
        self.connect_s = 0.0
        self._errors = bytearray()
        self._transports: list[paramiko.Transport] = []
        self._channel: Any = None
        try:
            for hop in _hops(address, options, self.where):
                self._transports.append(hop.transport)
            self._channel = self._transports[-1].open_session(timeout=LOGIN_S)
            self._channel.exec_command(command)
        except EdgeqError:
            self.close()
            raise
        except (paramiko.SSHException, EOFError, OSError) as error:
            self.close()
            raise problems.no_shell(self.where, str(error)) from error

    def stage(self) -> str:
        return "it let you in, but the shell there says nothing: a login script may wait for input"

    def _drain_errors(self) -> None:
        """What is left unread there would stop the other end at some point."""
        while self._channel.recv_stderr_ready():
            self._errors += self._channel.recv_stderr(_CHUNK)
            del self._errors[:-2000]

    def _said(self) -> str:
        self._drain_errors()
        return " ".join(bytes(self._errors).decode("utf-8", "replace").split())[-400:]

    def _code(self) -> int | None:
        """Exit code of the command, None where the connection went before it was told."""
        self._channel.status_event.wait(_END_S)
        return self._channel.exit_status if self._channel.exit_status >= 0 else None

    def _closed(self) -> Closed:
        code, text = self._code(), self._said()
        if code is None:
            return Closed("the connection was lost, or the agent was killed" + (f": {text}" if text else ""))
        return Closed(f"the agent ended with code {code}" + (f": {text}" if text else ""), usage=code == UsageError.code, code=code)

    def explain(self, code: int | None, said: str) -> Exception:
        if code is None:
            return problems.unreachable(self.where, "connection_lost", self._said())
        return problems.no_shell(self.where, said[-200:] or self._said() or f"the command there ended with code {code}")

    def read(self, size: int, timeout_s: float) -> bytes:
        self._drain_errors()
        self._channel.settimeout(timeout_s)
        try:
            data = self._channel.recv(size)
        except TimeoutError:
            return b""
        if not data:
            raise self._closed()
        return bytes(data)

    def write(self, data: bytes, timeout_s: float) -> None:
        """What arrives meanwhile is kept by paramiko's thread."""
        view = memoryview(data)
        self._channel.settimeout(timeout_s)
        try:
            while view:
                view = view[self._channel.send(view[:_CHUNK]) :]
        except TimeoutError:
            raise Stuck from None
        except (paramiko.SSHException, EOFError, OSError):
            raise self._closed() from None

    def close(self) -> None:
        """In order: the agent sees the end of its input and ends what it does; then the connections."""
        if self._channel is not None and self._transports[-1].is_active():
            with contextlib.suppress(Exception):  # the threads of paramiko may end at any moment
                self._channel.shutdown_write()
                self._channel.status_event.wait(_END_S)
        for transport in reversed(self._transports):
            with contextlib.suppress(Exception):
                transport.close()
