"""ssh_config for paramiko: what it honours is read, what would change nothing is passed over, everything else is an error with its line."""

from __future__ import annotations

import glob
import io
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import paramiko

from edgeq_host.errors import UsageError
from edgeq_host.files import read_text
from edgeq_host.ssh import hosts
from edgeq_host.ssh.openssh import config_file, connect_seconds

_HONOURED = """
    host hostname user port identityfile identitiesonly proxyjump proxycommand userknownhostsfile globalknownhostsfile connecttimeout
    hostkeyalias
"""
# Of terminals, forwardings, waiting and display; ways to log in that edgeq does not offer by paramiko anyway; checks less strict than ours.
_WITHOUT_EFFECT = """
    addkeystoagent batchmode challengeresponseauthentication clearallforwardings compression connectionattempts controlmaster controlpath
    controlpersist dynamicforward enableescapecommandline escapechar exitonforwardfailure fingerprinthash forkafterauthentication
    forwardagent forwardx11 forwardx11timeout forwardx11trusted gatewayports gssapiauthentication gssapidelegatecredentials
    hashknownhosts ipqos kbdinteractiveauthentication localcommand localforward loglevel logverbose nohostauthenticationforlocalhost
    numberofpasswordprompts obscurekeystroketiming passwordauthentication permitlocalcommand rekeylimit remotecommand remoteforward
    requesttty serveralivecountmax serveraliveinterval sessiontype stdinnull streamlocalbindmask streamlocalbindunlink stricthostkeychecking
    syslogfacility tag tcpkeepalive tunnel tunneldevice updatehostkeys usekeychain visualhostkey xauthlocation
"""
TAKEN = {"include", *_HONOURED.split(), *_WITHOUT_EFFECT.split()}
# Where they say what paramiko does anyway.
WITHOUT_EFFECT_AS = {
    "checkhostip": ("no",),
    "canonicalizehostname": ("no", "none"),
    "verifyhostkeydns": ("no",),
    "pubkeyauthentication": ("yes",),
    "addressfamily": ("any",),
    "proxyusefdpass": ("no",),
    "hostbasedauthentication": ("no",),
    "sendenv": ("lang lc_*", "lang", "lc_*", "lang lc_* color_term no_color", "lang lc_* colorterm no_color"),
}
_LINE = re.compile(r"\s*(\w+)(?:\s*=\s*|\s+)(.*?)\s*$")
_WORD = re.compile(r'"([^"]+)"|([^\s"]+)')
_NONE = Path("/dev/null")
_MOST_FILES, _MOST_BYTES = 1000, 16 << 20


@dataclass(frozen=True)
class Settings:
    """For one host. proxy_jump: hosts with commas; proxy_command: for a shell. known: where host keys are recorded, the user's file first.
    identity_files: empty where the configuration names none."""

    host: str
    user: str
    port: int
    key_name: str
    identity_files: tuple[Path, ...]
    identities_only: bool
    proxy_jump: str
    proxy_command: str
    known: tuple[Path, ...]
    connect_s: float


def files() -> list[Path]:
    """Those that are read, the first value of a keyword holds."""
    if config_file():
        return [Path(config_file())]
    return [path for path in (Path.home() / ".ssh" / "config", Path("/etc/ssh/ssh_config")) if path.exists()]


def _text(path: Path) -> str:
    try:
        return "" if path == _NONE else read_text(path, _MOST_BYTES)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}", "mend it, or use the OpenSSH client (--ssh openssh)") from error


def names() -> list[str]:
    """What stands after `Host` in the files and those that they include, for a hint: what cannot be read names nothing."""
    found: set[str] = set()
    waiting, seen = files(), set[Path]()
    while waiting and len(seen) < _MOST_FILES:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        try:
            lines = read_text(path, _MOST_BYTES).splitlines()
        except (OSError, ValueError):
            continue
        for match in filter(None, map(_LINE.match, lines)):
            if match[1].lower() == "host":
                found.update(quoted or plain for quoted, plain in _WORD.findall(match[2]))
            elif match[1].lower() == "include":
                waiting += map(Path, _included(match[2], path))
    return sorted(found)


def _included(value: str, path: Path) -> Iterator[str]:
    for word in value.replace('"', "").split():
        place = Path(word).expanduser()
        base = Path("/etc/ssh") if str(path).startswith("/etc/") else Path.home() / ".ssh"
        yield from glob.glob(str(place if place.is_absolute() else base / place))


def _check(path: Path, text: str, host: str) -> None:
    """UsageError names the first line for this host that paramiko cannot honour. An Include that finds no file says nothing."""
    applies = True
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.match(line)
        if match is None or line.lstrip().startswith("#"):
            continue
        keyword, value = match[1].lower(), match[2]
        if keyword == "host":
            applies = hosts.listed(value.replace('"', "").split(), host)
        elif keyword == "match" or (keyword == "include" and any(_included(value, path))) or (applies and not _honoured(keyword, value)):
            raise UsageError(
                f"{path}:{number}: paramiko cannot honour `{match[1]} {value[:60]}`",
                "use the OpenSSH client (--ssh openssh), or name a configuration without it: EDGEQ_SSH_CONFIG=FILE",
            )


def _honoured(keyword: str, value: str) -> bool:
    if keyword in TAKEN:
        return True
    return " ".join(value.lower().split()) in WITHOUT_EFFECT_AS.get(keyword, ())


def _paths(value: str, default: str) -> tuple[Path, ...]:
    """Of a list of files; `none` is no file."""
    words = shlex.split(value or default)
    if any("%" in word or "${" in word for word in words):
        raise UsageError(f"paramiko cannot expand the tokens of {value!r}", "name the known_hosts file in full, or use --ssh openssh")
    return tuple(Path(word).expanduser() for word in words if word.lower() != "none" and Path(word) != _NONE)


def read(host: str, user: str, port: int) -> Settings:
    """user and port of the address ("" and 0: not said) come before those of the configuration."""
    whole = io.StringIO()
    for path in files():
        text = _text(path)
        _check(path, text, host)
        whole.write(f"Host *\n{text}\n")
    whole.seek(0)
    found = paramiko.SSHConfig.from_file(whole).lookup(host)
    chosen_port = port or int(found.get("port", "22"))
    name = found.get("hostname", host)
    alias = found.get("hostkeyalias", "")
    return Settings(
        host=name,
        user=user or found.get("user", "") or _login(),
        port=chosen_port,
        key_name=alias or hosts.host_name(name, chosen_port),
        identity_files=tuple(Path(path).expanduser() for path in found.get("identityfile", []) if path.lower() != "none"),
        identities_only=found.get("identitiesonly", "no").lower() in ("yes", "true"),
        proxy_jump="" if found.get("proxyjump", "none").lower() == "none" else found["proxyjump"],
        proxy_command=found.get("proxycommand") or "",
        known=_paths(found.get("userknownhostsfile", ""), "~/.ssh/known_hosts ~/.ssh/known_hosts2")
        + _paths(found.get("globalknownhostsfile", ""), "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"),
        connect_s=connect_seconds(found),
    )


def _login() -> str:
    import getpass

    return getpass.getuser()
