"""Whether edgeq works on a real device: every kernel, a deploy and what can interrupt it, figures, memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from edgeq_host import device as devices
from edgeq_host import silicon
from edgeq_host.boards import Board
from edgeq_host.deploy import connect, deploy, remove, rollback, settle, status
from edgeq_host.device import Device
from edgeq_host.errors import EdgeqError
from edgeq_host.faults import Refused
from edgeq_host.identify import identify, itself, mismatches
from edgeq_host.installed import Installed
from edgeq_host.keys import PrivateKey
from edgeq_host.probe import Probe, of_device, probe
from edgeq_host.profile import profile
from edgeq_host.remote import RemoteModel
from edgeq_host.sample_model import sample
from edgeq_host.targets import Target
from edgeq_host.units import counted
from edgeq_host.verify_models import NAME, SIZE, Models, newest
from edgeq_runtime import lists

KERNEL_S = 300.0
MEMORY_BYTES = 2_000_000  # that the agent may take beside model and arena


@dataclass(frozen=True)
class Check:
    """state: "passed", "failed", or "not done" where this device cannot; text says what was found."""

    name: str
    state: str
    text: str


@dataclass(frozen=True)
class Verification:
    """source: "measured", or "emulated" where it runs in an emulator, as far as that can be told. board: its id, empty where no file fits
    the device. doubt: why it is no evidence of silicon, as far as that can be told."""

    target: Target
    source: str
    board: str
    probe: Probe
    differs: tuple[str, ...]
    checks: tuple[Check, ...]
    doubt: str = ""

    @property
    def passed(self) -> bool:
        return all(check.state != "failed" for check in self.checks)


class _Failed(Exception):
    """A check found something wrong; the text says what."""


class _NotDone(Exception):
    """A check is not possible there; the text says why."""


@dataclass(frozen=True)
class _Job:
    """Two models, and the target that they are tried on. board: that it is, as somebody has said or it says itself."""

    target: Target
    models: Models
    probe: Probe
    board: Board | None

    @property
    def differs(self) -> list[str]:
        return mismatches(self.probe, self.board) if self.board is not None else []

    def expect(self, which: int, name: str = NAME) -> None:
        """The installed model computes what model `which` does here."""
        with RemoteModel(self.target, name) as model:
            found = np.asarray(model.run(sample(SIZE)))
        if found.tobytes() != self.models.expected(which):
            raise _Failed(f"outputs differ from this machine's for model {which + 1}")


def verify(target: Target, seen: Callable[[Check], None] | None = None, key: PrivateKey | None = None) -> Verification:
    """Each check in turn; one that fails does not keep the others from being done. seen: is told as they end. What is installed is removed.
    key: signs it, where the device has keys. LinkError and the like where the device cannot be reached at all."""
    counter = newest(target, key)
    found = probe(target)
    board = target.board or identify(found)
    checks: list[Check] = []
    with TemporaryDirectory() as folder:
        job = _Job(target, Models(Path(folder), key, counter), found, board)
        _clear(target)
        try:
            for name, step in _STEPS.items():
                checks.append(_done(name, step, job))
                if seen is not None:
                    seen(checks[-1])
        finally:
            with suppress(EdgeqError, Refused):  # of an interrupted run, too; a device that is gone keeps it until the next one
                _clear(target)
    source = "emulated" if silicon.emulator(found) else target.source
    return Verification(target, source, board.id if board else "", found, tuple(job.differs), tuple(checks), silicon.doubt(found))


def _done(name: str, step: Callable[[_Job], str], job: _Job) -> Check:
    try:
        return Check(name, "passed", step(job))
    except _NotDone as reason:
        return Check(name, "not done", str(reason))
    except _Failed as failure:
        return Check(name, "failed", str(failure))
    except EdgeqError as error:
        return Check(name, "failed", error.message.replace(f"{job.models.folder}{os.sep}", ""))
    except Refused as refused:
        return Check(name, "failed", refused.text)


def _clear(target: Target) -> None:
    """What an earlier run left."""
    if any(model.name == NAME for model in status(target).models):
        remove(target, NAME)


def _board(job: _Job) -> str:
    """What works on a device says nothing of a board that it is not."""
    if job.board is None:
        raise _NotDone("no board file fits the device: edgeq boards new ID --from DEVICE writes one")
    if job.target.source == "emulated":
        raise _NotDone("the emulator has the memory, cores and sensors of the machine that it runs on")
    if job.differs:
        other = itself(job.probe, job.board)
        is_ = f"; it says itself that it is {other.id}" if other else ""
        raise _Failed(f"{counted(len(job.differs), 'difference')} to the file of {job.board.id}{is_}")
    return f"nothing that the device says of itself differs from the file of {job.board.id}"


def _kernels(job: _Job) -> str:
    with connect(job.target, KERNEL_S) as device:
        try:
            found = [check for check in device.check_kernels(KERNEL_S) if check.here]
        except Refused as refused:
            if refused.name != "unknown_command":
                raise
            raise _NotDone("the agent has no self-test of kernels") from refused
    wrong = [f"{check.kernel}: {check.fault}" for check in found if check.fault]
    if wrong or not found:
        raise _Failed("; ".join(wrong) or "the agent has no kernel")
    return f"{counted(len(found), 'kernel')} equal to the portable ones in {sum(check.cases for check in found)} cases"


def _deploy(job: _Job) -> str:
    first = deploy(job.target, job.models.files[0], NAME)
    job.expect(0)
    again = deploy(job.target, job.models.files[0], NAME)
    if again.changed:
        raise _Failed("the same file was installed twice")
    return f"version {first.version}, {len(job.models.data(0))} bytes, self-test {first.selftest}; the same file again changed nothing"


def _same_bytes(job: _Job) -> str:
    """With each instruction set alone, and with all."""
    with connect(job.target) as device:
        names = device.facts().isa_names
    bits = {name: 1 << row for row, name in enumerate(lists.isas())}
    for name in names:
        with RemoteModel(job.target, NAME, isas=1 | bits[name]) as model:
            if np.asarray(model.run(sample(SIZE))).tobytes() != job.models.expected(0):
                raise _Failed(f"outputs with {name} differ from this machine's")
    return f"outputs with {', '.join(names)} are this machine's, byte for byte"


class _CutError(Exception):
    """The host lets go."""


def _cut_upload(job: _Job) -> str:
    """The connection ends in the middle of an upload: the old version runs, the upload goes on where it was."""
    with connect(job.target) as device:

        def stop(done: int, of: int) -> None:
            if done > of // 2:
                device.facts()  # its answer comes after all that was sent before: half has arrived
                raise _CutError

        try:
            device.put(NAME, job.models.data(1), devices.STORE, stop)
            raise _Failed("the upload ended before it could be cut")
        except _CutError:
            pass
    model = _settled(job.target)
    if model.unfinished < len(job.models.data(1)) // 4:
        raise _Failed(f"{model.unfinished} of {len(job.models.data(1))} bytes were kept, more than half had arrived")
    job.expect(0)
    return f"{model.unfinished} of {len(job.models.data(1))} bytes were kept; the old version ran on"


def _settled(target: Target) -> Installed:
    """The model once the agent of a cut connection has let go of the store."""
    with connect(target) as device:
        settle(device)
        found = next((model for model in device.installed() if model.name == NAME), None)
    if found is None or found.damaged:
        raise _Failed("the model is gone" if found is None else f"the model is damaged: {found.damaged}")
    return found


def _resume(job: _Job) -> str:
    starts: list[int] = []
    deploy(job.target, job.models.files[1], NAME, progress=lambda done, of: starts.append(done))
    job.expect(1)
    if not starts or starts[0] <= len(job.models.data(1)) // 4:
        raise _Failed("the upload began anew")
    return f"went on after {starts[0]} bytes; the new version runs"


def _cut_switch(job: _Job) -> str:
    """The connection ends while the device tests and switches: one of the two versions runs, and a second deploy is right."""
    old, new = job.models.data(1), job.models.renew(0).read_bytes()
    with connect(job.target) as device:
        if device.put(NAME, new, devices.STORE) is not None:
            raise _Failed("the file is current already: there was no switch to cut")
        _send_commit(device)
    current = _settled(job.target).current
    if current is None or current.sha256 not in {hashlib.sha256(data).hexdigest() for data in (old, new)}:
        raise _Failed(f"neither version is current, but {current.sha256[:16] if current is not None else 'none'}")
    deploy(job.target, job.models.renew(1), NAME)
    job.expect(1)
    return "one of the versions ran on; the next deploy put its own in place"


def _send_commit(device: Device) -> None:
    device.link.send("commit", limit_ms=60_000, keep=0)


def _rollback(job: _Job) -> str:
    deploy(job.target, job.models.renew(0), NAME)
    back = rollback(job.target, NAME)
    job.expect(1)
    return f"version {back.version} is back and runs"


def _profile(job: _Job) -> str:
    found = profile(job.target, NAME, runs=20, warmup=3)
    layers = sum(layer.macs for layer in found.layers)
    return f"{layers} MACs in {found.latency_us.median:.0f} us (median of {found.runs} runs, {found.source}) on one thread"


def _memory(job: _Job) -> str:
    if job.target.source == "emulated" or silicon.process(job.probe):
        raise _NotDone("the process is the emulator's")
    with connect(job.target) as device:
        opened = device.open(NAME)
        pss = of_device(device).agent_pss
    if not pss:
        raise _NotDone("the kernel does not say it")
    beside = max(0, pss - opened.arena_bytes - opened.model_bytes - opened.file_bytes)
    if beside > MEMORY_BYTES:
        raise _Failed(f"the agent takes {beside} bytes beside model and arena, at most {MEMORY_BYTES} were expected")
    return f"{beside} bytes beside model ({opened.model_bytes} and the file's {opened.file_bytes}) and arena ({opened.arena_bytes})"


def _remove(job: _Job) -> str:
    remove(job.target, NAME)
    if any(model.name == NAME for model in status(job.target).models):
        raise _Failed("it is still there")
    return "nothing of it is left"


_STEPS: dict[str, Callable[[_Job], str]] = {
    "board": _board,
    "kernels": _kernels,
    "deploy": _deploy,
    "same bytes": _same_bytes,
    "cut in an upload": _cut_upload,
    "resume": _resume,
    "cut in a switch": _cut_switch,
    "rollback": _rollback,
    "profile": _profile,
    "memory": _memory,
    "remove": _remove,
}
