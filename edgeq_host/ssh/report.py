"""What `edgeq doctor` says of ssh: which client is used, and whether the files that it goes by can be read."""

from __future__ import annotations

import importlib.metadata
import subprocess
from pathlib import Path

from edgeq_host.errors import UsageError
from edgeq_host.ssh import openssh
from edgeq_host.ssh.address import Address
from edgeq_host.transports import DEFAULT
from edgeq_host.transports.ssh import chosen


def client() -> str:
    """Its name and version. UsageError where none can be used."""
    other = f"paramiko {importlib.metadata.version('paramiko')}"
    if chosen(DEFAULT) == "paramiko":
        return f"{other} is used" + ("" if openssh.program() else "; there is no program `ssh`")
    program = openssh.program()
    assert program is not None
    try:
        done = subprocess.run([program, "-V"], capture_output=True, text=True, errors="replace", timeout=10, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{program} does not run: {error}", "install the OpenSSH client again, or use --ssh paramiko") from error
    return f"{program}, {(done.stderr + done.stdout).strip()[:80]}; with --ssh paramiko: {other}"


def files() -> str:
    """Which configuration and known_hosts are read. UsageError where one is wrong or cannot be read."""
    found = ", ".join(str(path) for path in _configuration()) or "no configuration"
    known = _known()
    for path in known:
        try:
            path.read_bytes()
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror or error}", "mend its rights") from error
    return f"{found}; known hosts: {', '.join(map(str, known)) or 'none yet'}"


def _configuration() -> list[Path]:
    from edgeq_host.ssh import config

    return config.files()


def _known() -> list[Path]:
    """Files that are there, as the client reads its configuration for a host without settings of its own."""
    host = "edgeq-doctor.invalid"
    if chosen(DEFAULT) == "paramiko":
        from edgeq_host.ssh import config

        paths = list(config.read(host, "", 0).known)
    else:
        settings = openssh.effective(Address(host), DEFAULT)
        words = f"{settings.get('userknownhostsfile', '')} {settings.get('globalknownhostsfile', '')}".split()
        paths = [Path(word).expanduser() for word in words]
    return [path for path in paths if path.is_file()]
