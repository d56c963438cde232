"""A program of yours that a device keeps running: a systemd unit of the user, with lingering, so that no login is needed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgeq_host.errors import UsageError
from edgeq_host.setup.session import PythonSession
from edgeq_host.targets import Target

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}")


@dataclass(frozen=True)
class Service:
    """schema edgeq.setup-service/1. linger: why it could not be made to run without a login, else empty."""

    board: str
    unit: str
    changed: bool
    linger: str


def unit_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a service", "it has 1 to 41 of a-z, 0-9, '_' and '-', and starts with a letter or digit")
    return f"edgeq-{name}.service"


def unit_text(name: str, command: str) -> str:
    """The unit. UsageError where the command cannot stand in one."""
    if not command.strip() or not command.isprintable():
        raise UsageError(f"the command {command!r} is empty or not one line of text", "for example --run 'python3 app.py'")
    return (
        f"# Written by edgeq devices setup --service {name}; the same with --remove takes it away.\n"
        "[Unit]\n"
        f"Description=edgeq: {name}\n"
        "StartLimitIntervalSec=0\n\n"
        "[Service]\n"
        "WorkingDirectory=%h\n"
        f"ExecStart={_exec(command)}\n"
        "Restart=always\n"
        "RestartSec=2\n\n"
        "[Install]\n"
        "WantedBy=default.target\n"
    )


def _exec(command: str) -> str:
    """systemd finds the program on its own PATH, and takes % and $ for its own."""
    return command.strip().replace("%", "%%").replace("$", "$$")


def start(target: Target, name: str, command: str) -> Service:
    """Put the unit there, enable and start it; again with another command: replace it."""
    unit, text = unit_name(name), unit_text(name, command)
    with PythonSession(target) as session:
        done = session.order("service", text.encode("utf-8"), unit=unit)
    return Service(target.name, unit, done["changed"], done["linger"])


def stop(target: Target, name: str) -> Service:
    """Stop and remove it; lingering, too, where edgeq had turned it on and no other service of edgeq is left."""
    unit = unit_name(name)
    with PythonSession(target) as session:
        done = session.order("service_remove", unit=unit)
    return Service(target.name, unit, done["changed"], done["linger"])
