"""What is wrong with a serial port, who has it, and what to do."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import shlex
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from edgeq_host.errors import EdgeqError, LinkError, UsageError
from edgeq_host.serial_port import address as addresses
from edgeq_host.serial_port import ports
from edgeq_host.serial_port.address import Address
from edgeq_host.serial_port.ports import Port

PROC, UDEV = Path("/proc"), Path("/run/udev/data")
RULES = "/etc/udev/rules.d/60-edgeq.rules"
SHOWN = 20  # ports that a message lists
_WSL = "under WSL Windows has the USB devices until it gives them away (there: usbipd list, usbipd bind and usbipd attach --wsl --busid ID)"


def is_pseudo(path: str) -> bool:
    """A pseudo-terminal: no device is behind it, but a program."""
    return os.path.realpath(path).startswith("/dev/pts/")


def _wsl() -> bool:
    try:
        return "microsoft" in (PROC / "sys/kernel/osrelease").read_text().lower()
    except OSError:
        return False


def _there() -> str:
    found = [port.text for port in ports.present()[:SHOWN]]
    return f"the ports of this machine: {'; '.join(found)}" if found else "this machine has no serial port: is the cable plugged in?"


def missing(address: Address) -> LinkError:
    what = address.path or f"a port of USB {address.usb}" + (f" with the number {address.number}" if address.number else "")
    text = f"{what} is not there" if address.path else f"there is no {what[2:]}"
    return LinkError(text, "; ".join([_there(), *([_WSL] if _wsl() else [])]), "port_missing")


def several(address: Address, found: Sequence[Port]) -> UsageError:
    what = f"USB {address.usb}" + (f" with the number {address.number}" if address.number else "")
    return UsageError(f"{len(found)} ports are {what}", "\n".join(["name the one that you mean:", *map(to_add, found[:SHOWN])]))


def to_add(port: Port) -> str:
    """The line that names the device behind a port."""
    return f"edgeq devices add NAME {shlex.quote(port.address)}"


def closed(where: Port, error: OSError) -> EdgeqError:
    """A port that could not be opened. pyserial gives the number of what the system said, or only a text."""
    number = error.errno
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return missing(Address(where.path))
    if number in (errno.EACCES, errno.EPERM):
        return LinkError(f"{where.path} may not be opened by {_user()}", _permission(where), "port_denied")
    if number in (errno.EBUSY, errno.EAGAIN):
        return _busy(where)
    hint = f"an address is {addresses.EXAMPLES}"
    return LinkError(f"{where.path} is no serial port that can be used: {error.strerror or error}", hint, "no_port")


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"


def _permission(where: Port) -> str:
    """The group that has the port, where joining it would do; else the rule that gives it to whoever sits at the machine."""
    info = os.stat(where.path)
    try:
        group = grp.getgrgid(info.st_gid)
    except KeyError:
        group = None
    opens = info.st_mode & (stat.S_IRGRP | stat.S_IWGRP) == stat.S_IRGRP | stat.S_IWGRP
    if group is None or not opens or group.gr_gid == 0:
        return f"no group opens it: {_rule(where)}"
    if _user() in group.gr_mem:
        return f"you are in its group {group.gr_name} since after you have logged in: log out and in again"
    return f"join its group, then log in again: sudo usermod -aG {group.gr_name} {_user()}"


def _rule(where: Port) -> str:
    vendor, _, product = where.usb.lower().partition(":")
    which = f'ATTRS{{idVendor}}=="{vendor}", ATTRS{{idProduct}}=="{product}"' if where.usb else f'KERNEL=="{os.path.basename(where.path)}"'
    line = f'SUBSYSTEM=="tty", {which}, TAG+="uaccess", ENV{{ID_MM_PORT_IGNORE}}="1"'
    return f"write this line into {RULES}, then sudo udevadm control --reload && sudo udevadm trigger:\n{line}"


def _busy(where: Port) -> LinkError:
    who = list(holders(where.path))
    hint = "end it, then repeat the command"
    if any(name == "ModemManager" for name, _ in who):
        hint = f"it looks whether it is a modem: wait some seconds; so that it leaves it alone, {_rule(where)}"
    text = ", ".join(f"{name} (process {pid})" for name, pid in who) or "another program"
    return LinkError(f"{where.path} is in use by {text}", hint, "port_busy")


def _name(process: Path) -> str:
    try:
        return "".join(c for c in (process / "comm").read_text().strip() if c.isprintable())
    except (OSError, ValueError):
        return ""


def _processes() -> Iterator[Path]:
    """Of others, by number."""
    numbers = sorted(int(entry) for entry in os.listdir(PROC) if entry.isdecimal()) if PROC.is_dir() else []
    return (PROC / str(number) for number in numbers if number != os.getpid())


def holders(path: str) -> Iterator[tuple[str, int]]:
    """Name and number of the other processes that have the port open, of those that this user may look into."""
    try:
        device = os.stat(path).st_rdev
    except OSError:
        return
    for process in _processes():
        if device and _has_open(process / "fd", device):
            yield _name(process), int(process.name)


def _has_open(folder: Path, device: int) -> bool:
    try:
        files = os.listdir(folder)
    except OSError:
        return False
    for file in files:
        try:
            info = os.stat(folder / file)
        except OSError:
            continue
        if stat.S_ISCHR(info.st_mode) and info.st_rdev == device:
            return True
    return False


def modem_manager(path: str) -> bool:
    """Whether ModemManager runs and takes the port for one that may be a modem's."""
    try:
        device = os.stat(path).st_rdev
        said = (UDEV / f"c{os.major(device)}:{os.minor(device)}").read_text(errors="replace").splitlines()
    except OSError:
        return False
    left_alone = "E:ID_MM_PORT_IGNORE=1" in said or "E:ID_MM_DEVICE_IGNORE=1" in said
    return "E:ID_MM_CANDIDATE=1" in said and not left_alone and any(_name(process) == "ModemManager" for process in _processes())


def unanswered(address: Address, board: str) -> str:
    """What to look at where a port could be opened and no agent answers."""
    where = ports.at(address.path) if address.path else next(iter(ports.with_usb([address.usb], address.number)), Port(""))
    flash = f"that the board runs edgeq's firmware: edgeq firmware flash --board {shlex.quote(board) if board else 'BOARD'}"
    found = [f"check the cable (some carry no data), that {where.text or 'this'} is the board's port, and {flash}"]
    who = ", ".join(f"{name} (process {pid})" for name, pid in holders(where.path)) if where.path and not is_pseudo(where.path) else ""
    if who:
        found.append(f"{who} has the port open, too, and may take what comes: end it")
    if where.path and modem_manager(where.path):
        found.append(f"ModemManager takes the port for a modem's: {_rule(where)}")
    return "; ".join(found)
