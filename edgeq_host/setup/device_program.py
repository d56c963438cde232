"""Runs on the device, sent there as text: Python 3.6, standard library alone. Reads orders from its standard input, a line of JSON each and
the bytes that it announces, and answers each with one line: the word in WORD, a space, JSON.

Every change is made beside what it replaces and takes its place by one rename; a sync comes before and after it.
"""

import hashlib
import json
import os
import platform
import shutil
import site
import struct
import subprocess
import sys
from contextlib import suppress
from typing import Any, Dict, Optional

WORD = "edgeq"  # the host puts a random one in its place
PACKAGE = "edgeq_runtime"
LIMIT_S = 60
AGENT = os.path.join(os.path.expanduser("~"), ".local", "bin", "edgeq-agent")
Order = Dict[str, Any]


class Refused(Exception):
    """kind: a word for the host, text: what was found."""

    def __init__(self, kind: str, text: str) -> None:
        Exception.__init__(self, text)
        self.kind = kind


def folder() -> str:
    """Where this interpreter looks for packages that the user may install."""
    if sys.prefix != sys.base_prefix:
        return os.path.join(sys.prefix, "lib", "python{}.{}".format(*sys.version_info[:2]), "site-packages")
    return site.getusersitepackages()


def libc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):
        return " ".join(platform.libc_ver()).strip()


def free_bytes(path: str) -> int:
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    info = os.statvfs(path)
    return info.f_bavail * info.f_frsize


def look(order: Order, data: bytes) -> Order:
    where = folder()
    link = os.path.join(where, PACKAGE)
    return {
        "python": "{}.{}.{}".format(*sys.version_info[:3]),
        "bits": 8 * struct.calcsize("P"),
        "machine": platform.machine(),
        "libc": libc(),
        "folder": where,
        "used": bool(site.ENABLE_USER_SITE) or sys.prefix != sys.base_prefix,
        "installed": os.readlink(link) if os.path.islink(link) else "",
        "foreign": os.path.lexists(link) and not os.path.islink(link),
        "free": free_bytes(where),
    }


def sync(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write(path: str, data: bytes, mode: int) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(path, mode)


def replace(path: str, data: bytes) -> None:
    """Give a file other content, at once."""
    write(path + ".new", data, 0o644)
    os.replace(path + ".new", path)
    sync(os.path.dirname(path))


def drop(path: str) -> None:
    os.unlink(path)
    sync(os.path.dirname(path))


def unpack(order: Order, data: bytes, target: str) -> None:
    at = 0
    for name, size, mode, digest in order["files"]:
        part = data[at : at + size]
        at += size
        if hashlib.sha256(part).hexdigest() != digest or name.startswith("/") or ".." in name.split("/"):
            raise Refused("damaged", f"{name} arrived damaged")
        write(os.path.join(target, name), part, mode)
    for place, _, _ in os.walk(target):
        sync(place)


def point(link: str, target: str) -> None:
    """Make `link` a symbolic link to `target`, at once."""
    fresh = link + ".new"
    if os.path.lexists(fresh):
        os.unlink(fresh)
    os.symlink(target, fresh)
    os.replace(fresh, link)
    sync(os.path.dirname(link))


def check() -> Order:
    """What a fresh interpreter imports. Refused where it does not."""
    show = "[{0}.__version__, sorted(native.isas()), {0}.__file__]".format(PACKAGE)
    code = "import json, {0}; from {0} import native; print(json.dumps({1}))".format(PACKAGE, show)
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT_S, cwd="/")
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        raise Refused("import", lines[-1])
    version, isas, path = json.loads(done.stdout.decode("utf-8"))
    if os.path.dirname(os.path.dirname(path)) != folder():
        raise Refused("other", "Python finds another edgeq_runtime first: {}".format(path))
    return {"version": version, "isas": isas, "path": path}


def install(order: Order, data: bytes) -> Order:
    where = folder()
    link, name = os.path.join(where, PACKAGE), ".{}-{}".format(PACKAGE, order["id"])
    before = os.readlink(link) if os.path.islink(link) else ""
    target = os.path.join(where, name)
    if before != name:
        shutil.rmtree(target, ignore_errors=True)
        unpack(order, data, target)
        sync(where)
        point(link, name)
    try:
        found = check()
    except (Refused, subprocess.TimeoutExpired) as error:
        undo(link, before, target)
        raise Refused(getattr(error, "kind", "import"), str(error)) from None
    os.makedirs(os.path.dirname(AGENT), exist_ok=True)
    if ours(AGENT) or not os.path.lexists(AGENT):
        point(AGENT, os.path.join(link, "lib", "edgeq-agent"))
    tidy(where, name)
    return dict(found, changed=before != name)


def ours(agent: str) -> bool:
    """Whether a link was made by `install`."""
    return os.path.islink(agent) and os.readlink(agent).endswith(os.path.join(PACKAGE, "lib", "edgeq-agent"))


def undo(link: str, before: str, target: str) -> None:
    if before:
        point(link, before)
    elif os.path.islink(link):
        drop(link)
    if os.path.basename(target) != before:
        shutil.rmtree(target, ignore_errors=True)


def tidy(where: str, keep: str) -> None:
    """Remove what earlier versions left, but for `keep`."""
    for entry in os.listdir(where):
        if entry.startswith("." + PACKAGE + "-") and entry != keep:
            shutil.rmtree(os.path.join(where, entry), ignore_errors=True)


def remove(order: Order, data: bytes) -> Order:
    where = folder()
    link = os.path.join(where, PACKAGE)
    was = os.path.islink(link)
    if ours(AGENT):
        os.unlink(AGENT)
    if was:
        os.unlink(link)
        tidy(where, "")
        sync(where)
    return {"changed": was}


def systemctl(*words: str) -> str:
    """Refused where it fails; what it printed."""
    command = ["systemctl", "--user", *words]
    environment = {"XDG_RUNTIME_DIR": f"/run/user/{os.getuid()}", **os.environ}
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, timeout=LIMIT_S)
    except OSError as error:
        raise Refused("systemd", f"systemctl cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise Refused("systemd", f"systemctl {words[0]} did not end in {LIMIT_S} s") from None
    if done.returncode:
        raise Refused("systemd", " ".join(done.stderr.decode("utf-8", "replace").split()) or f"systemctl {words[0]} failed")
    return done.stdout.decode("utf-8", "replace")


def units() -> str:
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(base, "systemd", "user")


def linger(on: bool) -> str:
    """Whether services of the user run without a login: an empty text, or why that could not be set."""
    mark = os.path.join(units(), ".edgeq-linger")  # that it was this program that has set it
    try:
        command = ["loginctl", "enable-linger" if on else "disable-linger"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"loginctl cannot be run: {error}"
    if done.returncode:
        return " ".join(done.stderr.decode("utf-8", "replace").split())
    if on:
        write(mark, b"", 0o644)
    else:
        os.unlink(mark)
    return ""


def lingers() -> bool:
    import getpass

    return os.path.exists(os.path.join("/var/lib/systemd/linger", getpass.getuser()))


def service(order: Order, data: bytes) -> Order:
    """Write, enable and start a unit. At an error the unit that was there is back."""
    path = os.path.join(units(), order["unit"])
    before = None
    if os.path.isfile(path):
        with open(path, "rb") as file:
            before = file.read()
    if before != data:
        replace(path, data)
    try:
        systemctl("daemon-reload")
        systemctl("enable", order["unit"])
        systemctl("restart", order["unit"])
    except Refused:
        restore(path, before, order["unit"])
        raise
    return {"changed": before != data, "linger": "" if lingers() else linger(True)}


def restore(path: str, before: Optional[bytes], unit: str) -> None:
    """The unit as it was before, as far as systemd lets it."""
    if before is None:
        with suppress(Refused):
            systemctl("disable", "--now", unit)
        drop(path)
    else:
        replace(path, before)
    with suppress(Refused):
        systemctl("daemon-reload")
        if before is not None:
            systemctl("restart", unit)


def service_remove(order: Order, data: bytes) -> Order:
    path = os.path.join(units(), order["unit"])
    was = os.path.isfile(path)
    if was:
        systemctl("disable", "--now", order["unit"])
        drop(path)
        systemctl("daemon-reload")
    others = [name for name in os.listdir(units()) if name.startswith("edgeq-")] if os.path.isdir(units()) else []
    marked = os.path.exists(os.path.join(units(), ".edgeq-linger"))
    return {"changed": was, "linger": linger(False) if marked and not others else ""}


ORDERS = {"look": look, "install": install, "remove": remove, "service": service, "service_remove": service_remove}


def answer(value: Order) -> None:
    print(f"{WORD} {json.dumps(value)}", flush=True)


def main() -> None:
    for line in iter(sys.stdin.buffer.readline, b""):
        order = json.loads(line.decode("utf-8"))
        data = sys.stdin.buffer.read(order["bytes"])
        try:
            answer({"done": ORDERS[order["order"]](order, data)})
        except Refused as refused:
            answer({"refused": refused.kind, "text": str(refused)})
        except OSError as error:
            answer({"refused": "os", "text": "{}: {}".format(error.filename or "the device", error.strerror or error)})


if __name__ == "__main__":
    main()
