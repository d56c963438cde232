"""known_hosts for paramiko: plain and hashed names, patterns, @revoked. @cert-authority for the host in question is an error."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeq_host.errors import UsageError
from edgeq_host.files import read_bytes
from edgeq_host.ssh.problems import KnownKey, unrecorded

_MOST_BYTES = 64 << 20
MARKERS = ("@revoked", "@cert-authority")


@dataclass(frozen=True)
class Entry:
    """A key on record. blob: as it travels on the wire."""

    key: KnownKey
    blob: bytes
    revoked: bool


def host_name(host: str, port: int) -> str:
    """Under which a host is recorded."""
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


def fingerprint(blob: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")


def _matches(names: str, wanted: str) -> bool:
    if names.startswith("|1|"):
        return _hashed(names, wanted)
    return listed(names.lower().split(","), wanted)


def listed(patterns: Iterable[str], wanted: str) -> bool:
    """As known_hosts and ssh_config have it: any pattern, and none with a ! before it. They have only * and ?; a bracket is one."""
    found = False
    for pattern in patterns:
        if fnmatch.fnmatchcase(wanted, pattern.removeprefix("!").replace("[", "[[]")):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def _hashed(names: str, wanted: str) -> bool:
    parts = names.split("|")
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in parts[2:4])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, wanted.encode("utf-8"), "sha1").digest(), digest)


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number and words of each line that is no comment. A file that is not there has none."""
    try:
        text = read_bytes(path, _MOST_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        why = error.strerror or error if isinstance(error, OSError) else error
        raise UsageError(f"{path} cannot be read: {why}", "mend its rights: it says which devices are genuine") from error
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if words and not words[0].startswith("#"):
            yield number, words


def lookup(files: Sequence[Path], name: str) -> list[Entry]:
    """Keys on record for a host_name, revoked ones among them. UsageError where only a certificate authority could tell."""
    found = []
    for path in files:
        for number, words in _lines(path):
            marker = words.pop(0) if words[0] in MARKERS else ""
            if len(words) < 3 or not _matches(words[0], name):
                continue
            if marker == "@cert-authority":
                raise UsageError(
                    f"{path}:{number}: @cert-authority holds for {name}, and paramiko cannot check host certificates",
                    "use the OpenSSH client (--ssh openssh), or record the host's own key",
                )
            try:
                blob = base64.b64decode(words[2], validate=True)
            except (binascii.Error, ValueError):
                continue
            found.append(Entry(KnownKey(words[1], fingerprint(blob), str(path), number), blob, marker == "@revoked"))
    return found


def record(path: Path, name: str, kind: str, blob: bytes) -> None:
    """Add a key that the user has accepted. UsageError where it cannot be written."""
    line = f"{name} {kind} {base64.b64encode(blob).decode('ascii')}\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(path, "a+", encoding="utf-8") as file:
            file.seek(0)
            text = file.read()
            file.write(line if not text or text.endswith("\n") else "\n" + line)
    except OSError as error:
        raise unrecorded(str(path), error.strerror or str(error)) from error
