"""Files of private keys: what is wrong with one, before ssh is asked and after it could not use it."""

from __future__ import annotations

import base64
import binascii
import os
import re
from dataclasses import dataclass
from pathlib import Path

from edgeq_host.errors import UsageError

_MOST = 1 << 20
_PRIVATE = re.compile(rb"-----BEGIN ([A-Z0-9 ]*)PRIVATE KEY-----(.*?)-----END ", re.DOTALL)
_PUBLIC = re.compile(rb"\s*(ssh-|ecdsa-|sk-)\S+ +AAAA")
_MAGIC = b"openssh-key-v1\0"
_NO_CIPHER = b"\0\0\0\x04none"
_HINT = "--identity, or `key` of the device, names the file of a private key"


@dataclass(frozen=True)
class Unusable:
    """A key that could not be used: why, and what to do."""

    text: str
    hint: str


def locked(path: Path) -> Unusable:
    return Unusable(
        f"{path} needs its passphrase", f"load it into an agent with `ssh-add {path}`, or repeat at a terminal, where it is asked for"
    )


def _read(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(_MOST)


def _encrypted(kind: bytes, body: bytes) -> bool:
    if kind != b"OPENSSH ":
        return b"ENCRYPTED" in kind + body
    try:
        blob = base64.b64decode(b"".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    return blob.startswith(_MAGIC) and not blob.startswith(_MAGIC + _NO_CIPHER)


def wrong(path: Path, public: bool = False) -> Unusable | None:
    """What makes it no private key; the bytes are not looked at closer. public: that half will do, an agent has the other."""
    if not path.is_file():
        return Unusable(f"there is no key file {path}", _HINT)
    try:
        data = _read(path)
    except OSError as error:
        return Unusable(
            f"the key file {path} cannot be read: {error.strerror or error}", "mend its rights: it must be yours alone (chmod 600)"
        )
    if _PUBLIC.match(data):
        private = f": {path.with_suffix('')}" if path.suffix == ".pub" else ""
        return None if public else Unusable(f"{path} is a public key", f"name the file of the private key{private}")
    return None if _PRIVATE.search(data) else Unusable(f"{path} is no private key", _HINT)


def check(path: Path, public: bool = False) -> None:
    """UsageError where it is `wrong`."""
    found = wrong(path, public)
    if found is not None:
        raise UsageError(found.text, found.hint)


def unusable(path: Path) -> Unusable | None:
    """Why OpenSSH could not use it without a question, None where nothing is seen. It takes no key of this user that others may read."""
    found = wrong(path)
    if found is not None:
        return found
    info = path.stat()
    mode = info.st_mode & 0o777
    if mode & 0o077 and info.st_uid == os.getuid():
        return Unusable(f"{path} may be read by others (mode {mode:04o}), and ssh takes no such key", f"chmod 600 {path}")
    match = _PRIVATE.search(_read(path))
    return locked(path) if match is not None and _encrypted(match[1], match[2]) else None
