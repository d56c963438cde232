"""Addresses as people type them, and as transports take them: `scheme:rest`."""

from __future__ import annotations

from edgeq_host.errors import UsageError
from edgeq_host.ssh.address import redacted
from edgeq_host.transports import check, schemes

_MAX = 1000
_SAME = {"tcp": "socket"}  # other names of transports


def is_address(text: str) -> bool:
    """Whether `text` can only be an address: it begins with a scheme, or has the @ of ssh."""
    return "@" in text or "://" in text or text.partition(":")[0] in (*schemes(), *_SAME)


def canonical(text: str) -> str:
    """`scheme:rest`. UsageError for what is no address, or holds what no address holds; it repeats no password."""
    wrong = next((c for c in text if not c.isprintable()), None)
    if wrong is not None or len(text) > _MAX or text != text.strip():
        found = f"the character {wrong!r}" if wrong is not None else "spaces around it" if len(text) <= _MAX else f"{len(text)} characters"
        raise UsageError(f"an address has {found}", "write it as to ssh: pi@kitchen.local, or with a scheme: ssh://pi@kitchen.local:2222")
    scheme, colon, rest = text.partition(":")
    scheme = _SAME.get(scheme, scheme)
    if not (colon and scheme in schemes()):
        scheme, rest = "ssh", _of_ssh(text)
    if not rest.strip("/"):
        raise UsageError(f"{text!r} names nothing behind {scheme}:", f"for example {_EXAMPLES[scheme]}")
    check(f"{scheme}:{rest}")
    return f"{scheme}:{rest}"


def _of_ssh(text: str) -> str:
    """An address as it is typed to ssh, without a scheme. UsageError where it has another one, or is none."""
    known = ", ".join(f"{name}:" for name in schemes())
    if "://" in text:
        raise UsageError(f"edgeq has no transport for {redacted(text)!r}", f"an address has an @, or begins with one of: {known}")
    if "@" not in text:
        raise UsageError(f"{text!r} is no address", f"an address has an @ (pi@{text or 'host'}) or begins with one of: {known}")
    return text


_EXAMPLES = {
    "ssh": "ssh://pi@kitchen.local",
    "pipe": "pipe:edgeq-agent",
    "qemu": "qemu:mps2_an386",
    "serial": "serial:///dev/ttyACM0",
    "socket": "socket://localhost:5555",
}
