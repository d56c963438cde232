"""What can be wrong on the way to a device: the same errors whichever client found them. `kind` is what scripts read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgeq_host.errors import LinkError, UsageError
from edgeq_host.ssh.identity import Unusable

# Of a jump host, too, these are said as they are: somebody may be in between, and the remedy is that of the host key.
OF_HOST_KEYS = ("host_key_changed", "host_key_unknown", "host_key_revoked")


@dataclass(frozen=True)
class KnownKey:
    """A host key: its type as ssh names it, its fingerprint "SHA256:...", and the file and line that it was found in."""

    type: str
    fingerprint: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f" ({self.file}:{self.line})" if self.file else ""
        return f"{self.type} {self.fingerprint}{place}"


def host_key_changed(where: str, name: str, old: Iterable[KnownKey], new: str) -> LinkError:
    """name: under which the key is recorded. new: type and fingerprint of the key that was shown."""
    known = list(old)
    file = f" -f {known[0].file}" if known and known[0].file else ""
    return LinkError(
        f"{where}: the host key has changed. Known: {', '.join(map(str, known)) or 'another key'}. Shown now: {new}",
        f"somebody may be in between, or the device was set up anew. If you know why: ssh-keygen{file} -R '{name}', then connect again",
        "host_key_changed",
    )


def host_key_unknown(where: str, key: str) -> LinkError:
    """key: type and fingerprint."""
    return LinkError(
        f"{where}: the host key is not known: {key}",
        "compare it with the device's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there); then connect once with ssh, "
        "or repeat with --accept-new-host-key",
        "host_key_unknown",
    )


def host_key_revoked(where: str, key: str, place: str) -> LinkError:
    """place: file and line that revoke it."""
    return LinkError(f"{where}: the host key {key} is revoked by {place}", "do not connect: the key is in wrong hands", "host_key_revoked")


def key_refused(where: str, methods: str, tried: Iterable[str], unusable: Iterable[Unusable] = ()) -> LinkError:
    """methods: what the device accepts. tried: keys that were offered. unusable: those that could not be."""
    keys, others = list(tried), list(unusable)
    found = "; ".join([*(other.text for other in others), *keys]) or "no key was there to offer"
    accepted = f" (it accepts {methods})" if methods else ""
    if others and not keys:
        return LinkError(f"{where}: no key could be used to let you in{accepted}. {found[:600]}", others[0].hint, "key_refused")
    hint = "check the user's name, and that your key is in ~/.ssh/authorized_keys there (ssh-copy-id puts it there); --identity names a key"
    hint = f"{others[0].hint}. Else {hint}" if others else hint
    return LinkError(f"{where}: the device refused to let you in{accepted}. {found[:600]}", hint, "key_refused")


def unrecorded(file: str, reason: str = "") -> UsageError:
    """A host key that was accepted and could not be written down."""
    said = f": {reason}" if reason else ""
    return UsageError(
        f"the host key cannot be recorded in {file}{said}", "mend its rights: without a record every key would be accepted the next time"
    )


_REASONS = {
    "name_not_found": ("no such host is known", "check the name, or give the device's address; names in .local need mDNS on this machine"),
    "connection_refused": ("the connection was refused: nothing listens there", "check that sshd runs on the device, and the port"),
    "no_route": ("there is no way to it", "check that the device is on and in the same network, and the address"),
    "timed_out": ("it did not answer in time", "check that the device is on and in the same network, and the address"),
    "connection_lost": (
        "the connection was closed before the session began",
        "check that an SSH server runs on that port and takes connections",
    ),
}


def unreachable(where: str, kind: str, detail: str = "") -> LinkError:
    """kind: one of name_not_found, connection_refused, no_route, timed_out, connection_lost."""
    text, hint = _REASONS[kind]
    return LinkError(f"{where}: {text}" + (f" ({detail})" if detail else ""), hint, kind)


def jump_failed(where: str, jump: str, detail: str) -> LinkError:
    """jump: the host or command in between."""
    hint = f"try `ssh {jump}` alone" if " " not in jump else "try that command alone"
    return LinkError(f"{where}: it is reached through {jump}, and that failed: {detail}", hint, "jump_host")


def no_shell(where: str, detail: str) -> LinkError:
    """The session began, but no POSIX shell ran in it."""
    said = f": {detail}" if detail else ""
    return LinkError(
        f"{where}: no shell answered there{said}",
        "edgeq needs an account whose login shell runs commands; check `ssh HOST true`, and that no login script waits for input",
        "no_shell",
    )


def other(where: str, detail: str) -> LinkError:
    return LinkError(f"{where}: ssh failed: {detail}", "try the same with `ssh -v`", "ssh_failed")


def silent(where: str, limit_s: float, stage: str) -> LinkError:
    """stage: how far the connection had come."""
    return LinkError(
        f"{where}: silent for {limit_s:.0f} s: {stage}", "check that `ssh HOST true` ends by itself, then repeat the command", "timed_out"
    )
