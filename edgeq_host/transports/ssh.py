"""`ssh:[//][user@]host[:port]`: the agent on a device, on the standard input and output of one SSH channel. docs/ssh.md."""

from __future__ import annotations

import os
from collections.abc import Callable

from edgeq_host import settings
from edgeq_host.errors import UsageError
from edgeq_host.ssh import address as addresses
from edgeq_host.ssh import openssh
from edgeq_host.ssh.address import Address
from edgeq_host.ssh.bootstrap import Bootstrap, Channel
from edgeq_host.transports import DEFAULT, Options

CLIENTS = settings.LIMITS["ssh"]


def chosen(options: Options) -> str:
    """Which client is used: the option, EDGEQ_SSH, or openssh where it is installed. UsageError where that one is not there."""
    wanted = options.ssh or os.environ.get("EDGEQ_SSH", "")
    if wanted and wanted not in CLIENTS:
        raise UsageError(f"there is no ssh client {wanted!r}", f"--ssh and EDGEQ_SSH take {' or '.join(CLIENTS)}")
    if wanted == "openssh" and openssh.program() is None:
        raise UsageError("there is no program `ssh` on the PATH", "install the OpenSSH client, or use --ssh paramiko")
    return wanted or ("openssh" if openssh.program() else "paramiko")


def _client(options: Options) -> Callable[[Address, Options, str], Channel]:
    if chosen(options) == "openssh":
        return openssh.OpenSsh
    from edgeq_host.ssh import paramiko_client  # half a second to import

    return paramiko_client.Paramiko


def check(rest: str) -> None:
    """UsageError for what is no host."""
    addresses.parse(rest)


def open_program(rest: str, options: Options, command: str) -> Channel:
    """A command of the device's shell. UsageError and LinkError as below."""
    address = addresses.parse(rest)
    return _client(options)(address, options, command)


def open_address(rest: str, options: Options = DEFAULT) -> Channel:
    """UsageError: address, key file or configuration; LinkError: not reached; BoardError: no agent for that machine."""
    bootstrap = Bootstrap(options.cancel, options.passing)
    channel = open_program(rest, options, bootstrap.command)
    try:
        bootstrap.run(channel)
    except BaseException:
        channel.close()
        raise
    return channel
