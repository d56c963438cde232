"""edgeq.toml: of the project (this folder or the nearest above it that has one) and of the user. The first that names a key wins."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeq_host.errors import UsageError
from edgeq_host.files import MAX_TOML, read_text, toml

NAME = "edgeq.toml"
# What a value may be: one of these words, or a number from .. to.
LIMITS: Mapping[str, tuple[Any, ...]] = {"ssh": ("openssh", "paramiko"), "keep": (1, 8), "jobs": (1, 64)}
_KEEP, _JOBS = (f"{least} to {most}" for least, most in (LIMITS["keep"], LIMITS["jobs"]))
# Key -> type and what it does. `edgeq init` writes them, commented, into a new file.
KEYS: Mapping[str, tuple[type, str]] = {
    "board": (str, "the device, kind of board or family that commands use without --board"),
    "ssh": (str, 'the client that reaches devices: "openssh" or "paramiko"; without it OpenSSH where it is installed'),
    "keep": (int, f"versions of a model that a device keeps, the current one included: {_KEEP}"),
    "jobs": (int, f"devices that a command works on at the same time: {_JOBS}"),
}
DEVICE_KEYS: Mapping[str, tuple[type, str]] = {
    "address": (str, "as typed to ssh: pi@kitchen.local, pi@kitchen.local:2222, ssh://kitchen"),
    "board": (str, "the kind of board: edgeq boards list"),
    "key": (str, "a private key file for ssh; without it those that ssh itself would take"),
    "tags": (list, "names for --tag"),
}
_PLURAL = {str: "a text", int: "a whole number", list: "a list of texts", dict: "a table"}


@dataclass(frozen=True)
class File:
    """One edgeq.toml. devices: name to its keys, checked."""

    path: Path
    values: Mapping[str, Any]
    devices: Mapping[str, Mapping[str, Any]]


def user_path() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "edgeq" / NAME


def project_path() -> Path | None:
    """The nearest edgeq.toml from the current folder upwards."""
    here = Path.cwd()
    return next((folder / NAME for folder in (here, *here.parents) if (folder / NAME).is_file()), None)


def files() -> list[File]:
    """Those that exist, the project's first. UsageError where one is wrong."""
    paths = [path for path in (project_path(), user_path()) if path is not None and path.is_file()]
    return [read(path) for path in dict.fromkeys(path.resolve() for path in paths)]


def value(key: str, otherwise: Any = None) -> Any:
    """What the files say of a key of KEYS."""
    assert key in KEYS
    return next((file.values[key] for file in files() if key in file.values), otherwise)


def read(path: Path) -> File:
    return parse(path, content(path))


def content(path: Path) -> str:
    try:
        return read_text(path, MAX_TOML)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}", "it must be a TOML file in UTF-8; `edgeq init` writes one") from error


def parse(path: Path, text: str) -> File:
    """UsageError names the file, the key and what is expected."""
    try:
        table = toml(text)
    except ValueError as error:
        raise UsageError(f"{path} is not TOML: {error}", "mend that line; docs/devices.md shows a whole file") from error
    devices = table.pop("devices", {})
    _is(path, "devices", devices, dict)
    _check(path, "", table, KEYS)
    for key, allowed in LIMITS.items():
        if key in table:
            _limit(path, key, table[key], allowed)
    for name, keys in devices.items():
        _is(path, f"devices.{name}", keys, dict)
        _check(path, f"devices.{name}.", keys, DEVICE_KEYS)
        if "address" not in keys:
            raise UsageError(f"{path}: devices.{name}.address is missing", f"write address = ...: {DEVICE_KEYS['address'][1]}")
    return File(path, table, devices)


def _check(path: Path, where: str, table: Mapping[str, Any], keys: Mapping[str, tuple[type, str]]) -> None:
    for key, found in table.items():
        if key not in keys:
            near = difflib.get_close_matches(key, keys, 1)
            known = f"did you mean {near[0]}?" if near else f"known: {', '.join(keys)}" + ("" if where else ", [devices.NAME]")
            raise UsageError(f"{path}: unknown key {where}{key}", known)
        _is(path, f"{where}{key}", found, keys[key][0])


def _is(path: Path, key: str, found: Any, kind: type) -> None:
    fits = isinstance(found, kind) and not (kind is int and isinstance(found, bool))
    if fits and kind is list:
        fits = all(isinstance(item, str) for item in found)
    if not fits:
        raise UsageError(f"{path}: {key} is {found!r}", f"it must be {_PLURAL[kind]}")


def _limit(path: Path, key: str, found: Any, allowed: tuple[Any, ...]) -> None:
    if isinstance(found, str) and found not in allowed:
        raise UsageError(f"{path}: {key} is {found!r}", f"it must be one of: {', '.join(allowed)}")
    if isinstance(found, int) and not allowed[0] <= found <= allowed[1]:
        raise UsageError(f"{path}: {key} is {found}", f"it must be {allowed[0]} to {allowed[1]}")
