"""Deploy to several devices: all are planned before the first byte of the model is sent, then all that can be are changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeq_host import inventory
from edgeq_host.deploy import Deployed, board_name, deploy
from edgeq_host.errors import UsageError
from edgeq_host.export import check_file, read_file
from edgeq_host.fleet import runs
from edgeq_host.fleet.runs import Run
from edgeq_host.fleet.work import DONE, FAILED, NOT_TRIED, UNKNOWN, Limits, Outcome, each
from edgeq_host.preflight import Risks, preflight
from edgeq_host.signing import Seal, seal
from edgeq_host.targets import Target

Moved = Callable[[str, int, int], None]  # device, bytes sent, of how many


@dataclass(frozen=True)
class Work:
    """A file for several devices, checked. run: what has come of it so far, on this machine's disk. unknown: devices of the run whose
    names mean nothing any more."""

    file: Path
    run: Run
    size: int
    seal: Seal
    limits: Limits
    targets: tuple[Target, ...]
    unknown: tuple[Outcome[Risks], ...] = ()


def begin(file: Path, name: str | None, targets: Sequence[Target], timeout_s: float, limits: Limits, keep: int = 0) -> Work:
    """UsageError or ModelError where the file is wrong: nothing is asked of any device then."""
    data = read_file(file)
    check_file(data, str(file))
    digest = hashlib.sha256(data).hexdigest()
    run = runs.begin(file, digest, board_name(file, name), timeout_s, [t.name for t in targets], NOT_TRIED, keep)
    return Work(file, run, len(data), seal(data), limits, tuple(targets))


def resume(run_id: str, file: Path | None, find: Callable[[str], Target], limits: Limits) -> Work:
    """The devices of an earlier run that have not got the file. file: where it lies now; None: where it lay. find: a device by its name."""
    run = runs.read(run_id)
    data = _same(run, Path(run.file) if file is None else file)
    if file is not None:
        run.file = str(file.resolve())
    found, unknown = _known(run.unfinished(DONE), find)
    return Work(Path(run.file), run, len(data), seal(data), limits, tuple(found), tuple(unknown))


def _same(run: Run, file: Path) -> bytes:
    """The file of a run. UsageError where it is not there, or another one lies there."""
    elsewhere = f"where it lies elsewhere: edgeq deploy FILE --resume {run.id}"
    try:
        data = read_file(file)
    except UsageError as error:
        raise UsageError(error.message, elsewhere) from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != run.sha256:
        text = f"{file} is not the file of run {run.id}: its SHA-256 is {digest[:16]}.., it was {run.sha256[:16]}.."
        raise UsageError(text, f"{elsewhere}; or deploy the new one to all")
    return data


def _known(names: Sequence[str], find: Callable[[str], Target]) -> tuple[list[Target], list[Outcome[Risks]]]:
    """The devices of names, and the outcomes of those that mean none any more. UsageError where edgeq.toml itself is wrong."""
    entries = inventory.entries()
    found: list[Target] = []
    unknown: list[Outcome[Risks]] = []
    for name in names:
        try:
            found.append(find(name))
        except UsageError as error:
            gone = UsageError("it is no device of edgeq.toml any more", f"edgeq devices add {name} ADDRESS, then resume again")
            unknown.append(Outcome(Target(name, ""), UNKNOWN, error=error if name in entries else gone))
    return found, unknown


def survey(work: Work) -> tuple[list[Target], list[Outcome[Risks]]]:
    """Ask every device, without sending the model. Those that can be changed; and the outcomes of all. Where more than max_failures
    would refuse the file, none can."""

    def ask(target: Target) -> Risks:
        return preflight(target, work.run.name, work.size, work.run.sha256, work.seal)

    found = list(each(work.targets, ask, Limits(work.limits.jobs)))
    order = {target.name: number for number, target in enumerate(work.targets)}
    found.sort(key=lambda outcome: order[outcome.target.name])
    found += work.unknown
    for outcome in found:
        if outcome.state != DONE:
            work.run.note(outcome.target.name, outcome.state)
    refused = sum(outcome.state == FAILED for outcome in found)
    if work.limits.max_failures is not None and refused > work.limits.max_failures:
        return [], found
    return [outcome.target for outcome in found if outcome.state == DONE], found


def install(work: Work, ready: Sequence[Target], refused: int, moved: Moved | None = None) -> Iterator[Outcome[Deployed]]:
    """Change the devices; each outcome is on the disk before it is given. refused: how many have failed in the survey."""

    def one(target: Target) -> Deployed:
        report = None if moved is None else lambda done, of: moved(target.name, done, of)
        return deploy(target, work.file, work.run.name, work.run.timeout_s, progress=report, keep=work.run.keep)

    for outcome in each(ready, one, work.limits, refused):
        work.run.note(outcome.target.name, outcome.state)
        yield outcome
