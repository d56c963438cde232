"""Install a model on a board so that it either happened or did not: deploy, status, rollback, remove."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgeq_host import device as devices
from edgeq_host import transports, trust, wire
from edgeq_host.boards import Board
from edgeq_host.device import Device, Facts, Progress
from edgeq_host.errors import BoardError, DeviceTimeoutError, EdgeqError, LinkError, ModelError, RollbackError, UsageError
from edgeq_host.export import check_file, read_file
from edgeq_host.faults import Refused
from edgeq_host.installed import Installed, Switched, Version, split_version
from edgeq_host.link import NO_ANSWER, QUIET_S
from edgeq_host.signing import seal
from edgeq_host.targets import Target
from edgeq_host.units import seconds
from edgeq_runtime import native

SELFTEST_S = 60.0
SETTLE_S = 60.0  # for an agent whose host has gone to end what it does


@dataclass(frozen=True)
class Deployed:
    """schema edgeq.deploy/1. changed: False where this very file was current before and as many versions stay; no self-test is run for a
    file that was current. sha256: of the file. selftest: "passed" or "not run". keep: as it was given, 0: it was not; dropped: versions
    that went because it is smaller than before, though the file was current."""

    name: str
    version: int
    sha256: str
    board: str
    selftest: str
    changed: bool
    bytes: int
    keep: int = 0
    dropped: tuple[int, ...] = ()


@dataclass(frozen=True)
class Status:
    """schema edgeq.status/1."""

    board: str
    device: Facts
    models: tuple[Installed, ...]


@dataclass(frozen=True)
class RolledBack:
    """schema edgeq.rollback/1. The version that is current now, and the one it replaced."""

    name: str
    version: int
    sha256: str
    board: str
    replaced: Version | None


@dataclass(frozen=True)
class Removed:
    """schema edgeq.remove/1. version: the one that was removed, 0 all."""

    name: str
    board: str
    version: int


def connect(target: Target, quiet_s: float = QUIET_S) -> Device:
    """A session with the agent of a device. LinkError where it cannot be reached; BoardError where its firmware is another board's."""
    board = target.board
    try:
        device = Device(target.address, target.name, quiet_s, target.options)
    except LinkError as error:
        hint = transports.unanswered(target.address, board.id if board is not None else "") if error.kind == NO_ANSWER else ""
        raise LinkError(error.message, hint or error.hint, error.kind) from error
    if board is not None and board.usb and not board.link:
        _same_board(device, target, board)
    return device


def _same_board(device: Device, target: Target, board: Board) -> None:
    """USB ids are those of a programmer that many boards have."""
    try:
        found = device.facts().board
        if found != board.id:
            hint = f"give it as --board, or bring the firmware of the other onto it: edgeq firmware flash --board {board.id}"
            raise BoardError(f"{target.name} is a {found}, not a {board.id}: nothing was sent", hint)
    except BaseException:
        device.close(in_order=False)
        raise


@contextmanager
def refusals(what: str, name: str = "", board: str = "") -> Iterator[None]:
    """What the device refuses becomes an error that says what was being done, and to which model where."""
    try:
        yield
    except Refused as refused:
        raise refused.error(what, name, board) from refused


def board_name(file: Path, name: str | None) -> str:
    """The model's name on the board: `name`, else the file's stem. UsageError where the store takes no such name."""
    found = file.stem if name is None else name
    if "\0" in found or not native.library().eq_store_name_ok(found.encode("utf-8", "replace")):
        rule = next(fault.text for fault in wire.faults().values() if fault.name == "name")
        which = f"the file's stem {found!r} cannot name the model" if name is None else f"{found!r} is no name"
        raise UsageError(f"{which}: {rule}", "give the model another name with --name")
    return found


def deploy(
    target: Target,
    file: Path,
    name: str | None = None,
    selftest_s: float = SELFTEST_S,
    quiet_s: float = QUIET_S,
    progress: Progress | None = None,
    keep: int = 0,
    met: Callable[[Device], None] | None = None,
) -> Deployed:
    """Upload, verify, self-test, switch. name: on the board; default the file's stem. keep: versions that stay there, 1 to 8; 0: as many
    as before, at first 2. At every error the old version runs. met: may look at the device before anything is sent."""
    seconds(selftest_s)  # before the upload
    data = read_file(file)
    check_file(data, str(file))
    name = board_name(file, name)
    digest = hashlib.sha256(data).hexdigest()
    with refusals(f"{file} on {target.name}", name, target.name), connect(target, quiet_s) as device:
        device.need_1_4(bool(keep), "--keep")
        if met is not None:
            met(device)
        trust.require(device, name, seal(data), digest, f"{file} on {target.name}")
        version = device.put(name, data, devices.STORE, progress)
        if version is not None:
            changed, dropped = _keep(device, name, keep, selftest_s) if keep else (False, ())
            return Deployed(name, version, digest, target.name, "not run", changed, len(data), keep, dropped)
        try:
            switched = device.commit(selftest_s, keep)
        except LinkError as lost:
            device.link.close()
            model = _ask_again(target, name, lost, quiet_s, selftest_s)
            switched = _after_lost_commit(model, digest, lost)
    return Deployed(name, switched.version, digest, target.name, "passed", True, len(data), keep)


def _keep(device: Device, name: str, keep: int, selftest_s: float) -> tuple[bool, tuple[int, ...]]:
    """After a put of what is current there already: how many versions stay. Whether that is another number than before, and the versions
    that went."""
    before = _find(device, name)
    if before is None or before.keep == keep:
        return False, ()
    device.commit(selftest_s, keep)
    return True, tuple(version.version for version in before.versions[keep:])


def _ask_again(target: Target, name: str, lost: LinkError, quiet_s: float, selftest_s: float) -> Installed | None:
    """The link broke where the device was about to change: ask a new session what is installed, once nothing changes there any more."""
    try:
        with connect(target, quiet_s) as device:
            settle(device, max(SETTLE_S, selftest_s))
            return _find(device, name)
    except (EdgeqError, Refused) as error:
        hint = "the old or the new version runs; `edgeq status` says which, once the device has ended what it does and answers again"
        raise DeviceTimeoutError(f"{lost.message}; it could not be asked what it did: {error}", hint) from error


def settle(device: Device, limit_s: float = SETTLE_S) -> None:
    """Wait until no other program holds the store's lock: the agent of the lost session may see only later that its host is gone.
    Refused (`busy`) after limit_s."""
    absent = secrets.token_hex(24)  # a removal needs the lock, and one of what is not there changes nothing
    end = time.monotonic() + limit_s
    while True:
        try:
            return device.remove(absent)
        except Refused as refused:
            if refused.name == "missing":
                return
            if refused.name != "busy" or time.monotonic() >= end:
                raise
        time.sleep(0.2)


def _find(device: Device, name: str) -> Installed | None:
    return next((model for model in device.installed() if model.name == name), None)


def _after_lost_commit(model: Installed | None, digest: str, lost: LinkError) -> Switched:
    if model is None or model.current is None or model.current.sha256 != digest:
        raise LinkError(f"{lost.message}; the deploy did not happen", "the old version runs; repeat the command") from lost
    return Switched(model.current.version, digest, 0)


def status(target: Target, name: str | None = None, quiet_s: float = QUIET_S) -> Status:
    """What the device is and what is installed; with `name` that model alone (UsageError where it is not there)."""
    with refusals(f"status of {target.name}", name or "", target.name), connect(target, quiet_s) as device:
        facts, models = device.facts(), device.installed()
    if name is not None:
        models = [model for model in models if model.name == name]
        if not models:
            raise UsageError(f"{target.name} has no model {name!r}", "`edgeq status` lists what is installed; `edgeq deploy` installs")
    return Status(target.name, facts, tuple(models))


def rollback(target: Target, name: str, selftest_s: float = SELFTEST_S, quiet_s: float = QUIET_S, sha256: str = "") -> RolledBack:
    """Back to the previous version, or with NAME@VERSION to one that was kept, after its self-test on the device. Once more, and the
    newer one is back. sha256: of the file that VERSION has to be, where it matters."""
    name, version = split_version(name)
    with refusals(f"rollback of {name} on {target.name}", name, target.name), connect(target, quiet_s) as device:
        before = _find(device, name)
        if sha256 and before is not None:
            _check_same(target, name, next((v for v in before.versions if v.version == version), None), sha256)
        try:
            switched = device.rollback(name, selftest_s, version)
        except Refused as refused:
            if refused.name in ("corrupt", "model") or refused.fault.exit_code == 5:
                which = f"version {version}" if version else "the previous version"
                text = f"rollback of {name} on {target.name}: {which} cannot be used: {refused.text}"
                raise RollbackError(text, _other_way(target, name, before, version)) from refused
            raise
        except LinkError as lost:
            device.link.close()
            now = _ask_again(target, name, lost, quiet_s, selftest_s)
            switched = _after_lost_rollback(now, before, lost)
    return RolledBack(name, switched.version, switched.sha256, target.name, before.current if before else None)


def _check_same(target: Target, name: str, found: Version | None, sha256: str) -> None:
    if found is not None and found.sha256 != sha256:
        text = f"{name}@{found.version} on {target.name} has the SHA-256 {found.sha256[:16]}.., not {sha256[:16]}.. as on the other devices"
        raise ModelError(text, "nothing was changed; deploy the file that it is to have")


def _other_way(target: Target, name: str, before: Installed | None, refused: int) -> str:
    """The hint where a version (0: the previous one) cannot be used: the newest of the others that are kept and look sound."""
    versions = before.versions if before else ()
    refused = refused or (versions[1].version if len(versions) > 1 else 0)
    others = [v.version for v in versions[1:] if v.version != refused and not v.damaged]
    if not others:
        return "nothing was changed; deploy the version that you want"
    other = f"{name}@{max(others)} -b {target.name}"
    return f"nothing was changed; `edgeq rollback {other}` goes back to another, or deploy the one that you want"


def _after_lost_rollback(now: Installed | None, before: Installed | None, lost: LinkError) -> Switched:
    if now is None or now.current is None or before is None or now.current == before.current:
        raise LinkError(f"{lost.message}; the rollback did not happen", "the version that ran before runs; repeat the command") from lost
    return Switched(now.current.version, now.current.sha256, 0)


def remove(target: Target, name: str, quiet_s: float = QUIET_S) -> Removed:
    """Remove a model, all its versions and unfinished uploads, or with NAME@VERSION one version that is not current. A program that has
    it open keeps its mapping."""
    name, version = split_version(name)
    with refusals(f"remove of {name} on {target.name}", name, target.name), connect(target, quiet_s) as device:
        device.remove(name, version)
    return Removed(name, target.name, version)
