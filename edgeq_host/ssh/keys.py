"""The keys that paramiko may offer: those of the agent, then the files that the configuration names, else the usual ones."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko

from edgeq_host.ssh import identity
from edgeq_host.ssh.config import Settings
from edgeq_host.ssh.hosts import fingerprint
from edgeq_host.ssh.identity import Unusable

USUAL = ("id_rsa", "id_ecdsa", "id_ed25519")
Ask = Callable[[Path], str]


def ask(path: Path) -> str:
    """The passphrase of a key, from the terminal."""
    return getpass.getpass(f"Enter passphrase for key '{path}': ")


def _label(key: paramiko.PKey, place: str) -> str:
    return f"{key.get_name()} {fingerprint(key.asbytes())} ({place})"


def _damaged(path: Path, error: Exception) -> Unusable:
    return Unusable(f"{path}: {error}", "name another key with --identity")


def _load(path: Path, may_ask: bool) -> paramiko.PKey | Unusable:
    """The key, or why it cannot be used."""
    try:
        return paramiko.PKey.from_path(path)
    except (paramiko.PasswordRequiredException, TypeError):
        pass  # cryptography's own word for a key that needs a passphrase is TypeError
    except Exception as error:  # each kind of damage has its own class, in three libraries
        if "password" not in str(error).lower():
            return _damaged(path, error)
    if not may_ask:
        return identity.locked(path)
    try:
        return paramiko.PKey.from_path(path, ask(path).encode("utf-8"))  # text is not taken by what it calls
    except Exception as error:
        return _damaged(path, error)


def _public(path: Path) -> bytes | None:
    """The key of PATH.pub, as it travels on the wire."""
    try:
        words = path.with_name(path.name + ".pub").read_text(encoding="ascii").split()
        return bytes(paramiko.PublicBlob.from_string(" ".join(words[:2])).key_blob)
    except (OSError, ValueError):
        return None


def candidates(settings: Settings, chosen: str, may_ask: bool) -> Iterator[tuple[str, paramiko.PKey] | Unusable]:
    """A label and the key, or why a key cannot be used. chosen: --identity; it alone is used then."""
    paths = (Path(chosen),) if chosen else settings.identity_files
    only = bool(chosen) or settings.identities_only
    wanted = {blob for path in paths if (blob := _public(path)) is not None} if only else None
    in_agent = set()
    for key in paramiko.Agent().get_keys():
        if wanted is None or key.asbytes() in wanted:
            in_agent.add(key.asbytes())
            yield _label(key, "from the agent"), key
    for path in paths or tuple(Path.home() / ".ssh" / name for name in USUAL):
        if not path.exists() and paths:
            yield Unusable(f"{path} is not there", "mend IdentityFile of your ssh configuration")
        if not path.exists() or _public(path) in in_agent:
            continue
        loaded = _load(path, may_ask)
        yield loaded if isinstance(loaded, Unusable) else (_label(loaded, str(path)), loaded)
