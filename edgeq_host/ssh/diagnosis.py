"""What the OpenSSH client says on its standard error, as an error of edgeq. It runs with LogLevel DEBUG1; `plain` are the other lines."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edgeq_host.errors import EdgeqError, LinkError, UsageError
from edgeq_host.ssh import hosts, identity, problems
from edgeq_host.ssh.identity import Unusable
from edgeq_host.ssh.jumps import Jump
from edgeq_host.ssh.problems import KnownKey

_SSH_FAILED = 255  # ssh's own exit code; any other is the command's
_DEBUG = re.compile(r"^debug\d: ")
_NOISE = re.compile(r"^(OpenSSH_\d|Authenticated to |Transferred: |Bytes per second: |Warning: Permanently added)")
_SHOWN = re.compile(r"debug1: Server host key: (\S+ SHA256:\S+)")
_OFFENDING = re.compile(r"^Offending (?:key for IP|(?:\S+ )?key) in (.+):(\d+)$")
_OFFERED = re.compile(r"debug1: Offering public key: (.+?) (\S+) (SHA256:\S+)(.*)")
_TRIED = re.compile(r"debug1: (?:Server accepts key|Trying private key): (.+?)(?: \S+ SHA256:\S+(?: explicit)?)?$")  # not those of an agent
_OPEN_FAILED = re.compile(r"channel \d+: open failed: (.*)")
_REASONS = (
    ("Connection refused", "connection_refused"),
    ("timed out", "timed_out"),
    ("No route to host", "no_route"),
    ("Network is unreachable", "no_route"),
    ("Host is down", "no_route"),
    ("Name or service not known", "name_not_found"),
    ("not known", "name_not_found"),
)


def plain(errors: str) -> list[str]:
    """What ssh and the command on the device say to people."""
    lines = (line.strip() for line in errors.splitlines())
    return [line for line in lines if line and not _DEBUG.match(line) and not _NOISE.match(line)]


def stage(errors: str, jumps: Sequence[Jump] = ()) -> str:
    """How far a connection has come."""
    for jump in jumps:
        if not _passed(jump.errors()):
            return f"jump host {jump.address}: {stage(jump.errors())}"
    if "debug1: Sending command" in errors or "debug1: Entering interactive session" in errors:
        return "it let you in, but the shell there says nothing: a login script may wait for input"
    if "debug1: Connection established" in errors or "debug1: Remote protocol version" in errors:
        return "connected, but not let in yet"
    return "no connection yet"


def killed(errors: str) -> bool:
    """Whether the command on the device ended by a signal: ssh says nothing of it to people."""
    return "rtype exit-signal" in errors


def failed(code: int | None, errors: str) -> bool:
    """Whether ssh itself did not do its work. A command that ends with that very code tells it before."""
    return code == _SSH_FAILED and "rtype exit-status" not in errors


def unrecorded(errors: str) -> UsageError | None:
    """The error for a host key that was accepted and not written down."""
    found = re.search(r"^Failed to add the host to the list of known hosts \((.*)\)", errors, re.MULTILINE)
    return problems.unrecorded(found[1]) if found else None


def explain(where: str, errors: str, code: int | None, config: Mapping[str, str], said: str, jumps: Sequence[Jump] = ()) -> EdgeqError:
    """The error for a session that ended before the agent ran. config: what `ssh -G` says. said: the last that came from the device."""
    if code is not None and not failed(code, errors):
        return problems.no_shell(where, said[-200:] or _tail(plain(errors)) or f"the command there ended with code {code}")
    before = ""
    for jump in jumps:
        if not _passed(jump.errors()):
            return _of_jump(where, jump, before + jump.errors())
        before = "".join(f"{line}\n" for line in plain(jump.errors()) if _OPEN_FAILED.search(line))
    return _cause(where, before + errors, config)


def _cause(where: str, errors: str, config: Mapping[str, str]) -> EdgeqError:
    lines = plain(errors)
    for rule in _RULES:
        found = rule(where, lines, errors, config)
        if found is not None:
            return found
    return problems.other(where, _tail(lines) or "it said nothing")


def _passed(errors: str) -> bool:
    """Whether a jump host has let the connection in: it goes on from there, or a master that runs already does that."""
    return "debug1: Entering interactive session" in errors or "master session id" in errors


def _of_jump(where: str, jump: Jump, errors: str) -> EdgeqError:
    cause = _cause(f"{where}: jump host {jump.address}", errors, jump.config)
    if isinstance(cause, LinkError) and cause.kind not in problems.OF_HOST_KEYS:
        return problems.jump_failed(where, str(jump.address), cause.message)
    return cause


def _tail(lines: list[str]) -> str:
    return " ".join(lines[-4:])[-400:]


def _first(lines: list[str], pattern: str) -> re.Match[str] | None:
    return next((match for line in lines if (match := re.search(pattern, line))), None)


def _proxy(config: Mapping[str, str]) -> str:
    """What stands between here and the host: a jump host or a command; empty where nothing does."""
    jump = next((config[key] for key in ("proxyjump", "proxycommand") if config.get(key, "none") != "none"), "")
    return jump[:120]


def fingerprint(line: str) -> tuple[str, str] | None:
    """Type and fingerprint of the key in a line of a known_hosts file."""
    words = line.split()
    at = next((i for i, word in enumerate(words) if word.startswith(("ssh-", "ecdsa-", "sk-"))), None)
    if at is None or at + 1 >= len(words):
        return None
    try:
        blob = base64.b64decode(words[at + 1], validate=True)
    except (binascii.Error, ValueError):
        return None
    return words[at], hosts.fingerprint(blob)


def _key_at(file: str, number: int) -> KnownKey | None:
    try:
        lines = Path(file).expanduser().read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    found = fingerprint(lines[number - 1]) if 0 < number <= len(lines) else None
    return KnownKey(*found, file, number) if found else None


def _changed(where: str, lines: list[str], errors: str, config: Mapping[str, str]) -> EdgeqError | None:
    if not _first(lines, "HOST IDENTIFICATION HAS CHANGED"):
        return None
    places = [match for line in lines if (match := _OFFENDING.match(line))]
    old = [key for match in places if (key := _key_at(match[1], int(match[2]))) is not None]
    name = _first(lines, r"^Host key for (.+) has changed")
    kind = _first(lines, r"fingerprint for the (\S+) key sent")
    sent = _first(lines, r"^(SHA256:\S+?)\.?$")
    shown = _SHOWN.search(errors)
    new = shown[1] if shown else f"{kind[1] if kind else 'key'} {sent[1] if sent else ''}"
    return problems.host_key_changed(where, name[1] if name else "HOST", old, new)


def _revoked(where: str, lines: list[str], errors: str, config: Mapping[str, str]) -> EdgeqError | None:
    if not _first(lines, "REVOKED HOST KEY DETECTED|is marked as revoked|revoked by file|is revoked"):
        return None
    shown = _SHOWN.search(errors)
    return problems.host_key_revoked(where, shown[1] if shown else "", config.get("userknownhostsfile", "known_hosts"))


def _unknown(where: str, lines: list[str], errors: str, config: Mapping[str, str]) -> EdgeqError | None:
    found = _first(lines, r"No (\S+) host key is known for (.+) and you have requested strict checking")
    if found is None and not _first(lines, r"^Host key verification failed"):
        return None
    shown = _SHOWN.search(errors)
    if shown is None and _proxy(config):
        return problems.jump_failed(where, _proxy(config), _tail(lines))
    return problems.host_key_unknown(where, shown[1] if shown else _tail(lines))


def _denied(where: str, lines: list[str], errors: str, config: Mapping[str, str]) -> EdgeqError | None:
    found = _first(lines, r"(?:(\S+): )?Permission denied \(([^)]*)\)")
    too_many = _first(lines, "Too many authentication failures")
    if not found and not too_many:
        return None
    if _proxy(config) and "debug1: Authentications that can continue" not in errors:
        return problems.jump_failed(where, _proxy(config), found[0] if found else _tail(lines))
    unusable = _unusable(lines, errors)
    offered = [match for match in map(_OFFERED.search, errors.splitlines()) if match and match[1] not in unusable]
    tried = [f"offered {match[2]} {match[3]} ({match[1]}{match[4]})" for match in offered]
    tried += [line for line in lines if line.startswith("sign_and_send_pubkey")]
    if too_many:
        tried.append("too many keys for it: name the right one with --identity")
    return problems.key_refused(where, found[2] if found else "", tried, unusable.values())


def _unusable(lines: list[str], errors: str) -> dict[str, Unusable]:
    """By file: keys that the device would have taken, or that ssh has tried, and could not use."""
    if "with partial success" in errors:  # one was used; more is asked for
        return {}
    said = {match[1]: match[2] for line in lines if (match := re.match(r'Load key "(.+)": (.+)', line))}
    tried = [match[1] for match in map(_TRIED.search, errors.splitlines()) if match and Path(match[1]).is_file()]
    found = {}
    for path in dict.fromkeys([*tried, *said]):
        why = identity.unusable(Path(path))
        if why is None and path in said:
            why = Unusable(f"{path}: {said[path]}", "name another key with --identity")
        if why is not None:
            found[path] = why
    return found


def _not_resolved(where: str, lines: list[str], errors: str, config: Mapping[str, str]) -> EdgeqError | None:
    found = _first(lines, r"Could not resolve hostname (.+)")
    if found is None:
        return None
    if _proxy(config):
        return problems.jump_failed(where, _proxy(config), found[0])
    return problems.unreachable(where, "name_not_found", found[1])


def _behind_jump(where: str, lines: list[str], errors: str, config: Mapping[str, str]) -> EdgeqError | None:
    """The jump host was reached, and could not go on from there."""
    found = next(filter(None, map(_OPEN_FAILED.search, lines)), None)
    if found is None:
        return None
    kind = next((kind for text, kind in _REASONS if text in found[1]), "connection_refused")
    return problems.unreachable(where, kind, f"from {_proxy(config)}: {found[1]}")


def _not_connected(where: str, lines: list[str], errors: str, config: Mapping[str, str]) -> EdgeqError | None:
    found = _first(lines, r"connect to host (.+) port (\d+): (.*)") or _first(lines, r"(Connection (?:to .*)?timed out.*)")
    if found is None:
        return None
    if _proxy(config):
        return problems.jump_failed(where, _proxy(config), found[0])
    kind = next((kind for text, kind in _REASONS if text in found[0]), "no_route")
    return problems.unreachable(where, kind, found[0])


def _lost(where: str, lines: list[str], errors: str, config: Mapping[str, str]) -> EdgeqError | None:
    found = _first(
        lines, r"kex_exchange_identification: .*|banner exchange: .*|Connection (?:closed|reset) by .*|Timeout, server .* not responding.*"
    )
    if found is None:
        return None
    if _proxy(config) and "debug1: Remote protocol version" not in errors:
        return problems.jump_failed(where, _proxy(config), _tail(lines))
    return problems.unreachable(where, "timed_out" if "imeout" in found[0] or "timed out" in found[0] else "connection_lost", found[0])


def _configured(where: str, lines: list[str], errors: str, config: Mapping[str, str]) -> EdgeqError | None:
    found = _first(lines, r"Bad owner or permissions on .*|[Bb]ad configuration option.*|.* line \d+: .*")
    return UsageError(f"{where}: ssh does not take its configuration: {found[0]}", "mend that file") if found else None


_Rule = Callable[[str, list[str], str, Mapping[str, str]], EdgeqError | None]
# The first that recognizes what was said decides; causes stand before what follows from them.
_RULES: tuple[_Rule, ...] = (
    *(_revoked, _changed, _unknown, _denied),
    *(_behind_jump, _not_resolved, _not_connected, _lost, _configured),
)
