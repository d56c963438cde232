"""edgeq deploy."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeq_host.cli import fleet, interrupt, output, plan, target
from edgeq_host.errors import UsageError

if TYPE_CHECKING:
    from edgeq_host.deploy import Deployed
    from edgeq_host.device import Device
    from edgeq_host.fleet.deploys import Work
    from edgeq_host.fleet.work import Outcome
    from edgeq_host.preflight import Risks
    from edgeq_host.targets import Target


@output.command("deploy")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@target.boards_option
@click.option("--name", help="The model's name on the board; default: the stem of FILE.")
@target.keep_option
@click.option("--dry-run", is_flag=True, help="The same as edgeq plan: nothing is written.")
@target.timeout_option
@fleet.jobs_option
@click.option("--max-failures", type=click.IntRange(0), metavar="N", help="Begin no other device once more than N have failed.")
@click.option("--canary", type=click.IntRange(1), metavar="N", help="N devices first; the others only where these end well.")
@click.option("--resume", metavar="RUN", help="Finish a run: the devices that have not got its file. FILE: where it lies elsewhere now.")
def command(
    file: Path | None,
    words: tuple[str, ...],
    every: bool,
    tags: tuple[str, ...],
    name: str | None,
    keep: int | None,
    dry_run: bool,
    timeout: float,
    jobs: int,
    max_failures: int | None,
    canary: int | None,
    resume: str | None,
    as_json: bool,
) -> int:
    """Install a model: verified, self-tested on the device, then switched at once; the old version stays for rollback.

    Several devices are all planned before any is changed.

    \b
    edgeq deploy model.eqm --board local
    edgeq deploy model.eqm --tag field --canary 2 --max-failures 1
    edgeq deploy --resume 20261128-120000-1a2b
    """
    from edgeq_host.fleet import deploys
    from edgeq_host.fleet.work import Limits

    limits = Limits(jobs, max_failures, canary or 0)
    if resume is not None:
        if output.given("words") or every or tags or name or dry_run or output.given("keep") or output.given("timeout"):
            raise UsageError("--resume goes with FILE, -j, --canary and --max-failures alone", "the run has recorded the rest")
        return _fleet(deploys.resume(resume, file, target.resolve, limits), as_json)
    if file is None:
        raise UsageError("give the FILE to deploy", "edgeq deploy model.eqm --board local")
    targets = target.resolve_all(words, every, tags)
    if dry_run:
        return plan.show(file, targets, name, jobs, as_json, keep or 0)
    if len(targets) > 1 or every or tags:
        return _fleet(deploys.begin(file, name, targets, timeout, limits, keep or 0), as_json)
    return _one(file, targets[0], name, timeout, as_json, keep or 0)


def _one(file: Path, on: Target, name: str | None, timeout: float, as_json: bool, keep: int) -> int:
    from edgeq_host.deploy import deploy

    with output.bar(f"sending {file.name}") as progress:
        done = deploy(on, file, name, timeout, progress=progress, keep=keep, met=partial(_warn, on))
    if as_json:
        output.document("edgeq.deploy/1", **asdict(done))
    else:
        output.line(_text(done))
    return 0


def _warn(on: Target, device: Device) -> None:
    """Where a device is another board than was said: what is deployed fits it all the same."""
    from edgeq_host import risks
    from edgeq_host.probe import asked

    risk = risks.other_kind(asked(device), on.board, on.name) if on.board is not None and not on.board.link else None
    if risk is not None:
        output.note(f"risk:  {risk.text}; {risk.remedy}")


def _text(done: Deployed) -> str:
    if done.changed and done.selftest == "not run":
        stay = f"{output.counted(done.keep, 'version')} {'stays' if done.keep == 1 else 'stay'} from now on"
        gone = "".join(f", version {version} was removed" for version in done.dropped)
        return f"{done.name} version {done.version} is already on {done.board}: {stay}{gone}"
    if done.changed:
        return f"{done.name} version {done.version} runs on {done.board}: {done.bytes} bytes, self-test {done.selftest}"
    return f"{done.name} version {done.version} is already on {done.board}: nothing was changed, self-test {done.selftest}"


def _fleet(work: Work, as_json: bool) -> int:
    from edgeq_host.fleet import deploys
    from edgeq_host.fleet.work import DONE, FAILED, NOT_TRIED

    left = f"the devices that are left: edgeq deploy --resume {work.run.id}"
    interrupt.advise(f"no device is half changed; {left}", work.run.id)
    ready, surveyed = deploys.survey(work)
    lost = [outcome for outcome in surveyed if outcome.state != DONE]
    output.note(f"run {work.run.id}: {work.run.name}, {work.size} bytes; {len(ready)} of {len(surveyed)} devices can take it")
    for outcome in lost:
        fleet.failure(outcome, as_json)
    risks = {outcome.target.name: outcome.value or () for outcome in surveyed}
    for board, found in risks.items():
        for risk in found:
            output.note(f"risk:  {board}: {risk.what}: {risk.text}; {risk.remedy}")
    states = [outcome.state for outcome in lost]
    refused = states.count(FAILED)
    with fleet.bars("sending to") as moved, output.to_the_end() as show:
        for done in deploys.install(work, ready, refused, moved):
            states.append(done.state)
            show(partial(_show, done, risks[done.target.name], as_json))
    if not ready:
        states += [NOT_TRIED] * (len(surveyed) - len(lost))
    return _end(work, states, as_json)


def _show(outcome: Outcome[Deployed], risks: Risks, as_json: bool) -> None:
    said = [asdict(risk) for risk in risks]
    if outcome.value is None:
        fleet.failure(outcome, as_json, risks=said)
    elif as_json:
        output.json_line("edgeq.deploy/1", state=outcome.state, risks=said, **asdict(outcome.value))
    else:
        output.line(_text(outcome.value))


def _end(work: Work, states: list[str], as_json: bool) -> int:
    from edgeq_host.fleet import runs
    from edgeq_host.fleet.work import DONE

    lost = runs.LOST.pop(work.run.id, "")
    if lost:
        output.note(f"the record of run {work.run.id} is not complete, --resume may ask devices again: {lost}")
    counts = {state: states.count(state) for state in dict.fromkeys([DONE, *states])}
    code = fleet.ended(len(states) - counts[DONE], len(states), True)
    if as_json:
        output.json_line("edgeq.fleet/1", run=work.run.id, devices=len(states), states=counts, code=code)
        return code
    output.line(", ".join(f"{count} {state}" for state, count in counts.items()) + f" of {len(states)} devices")
    if code:
        output.note(f"hint:  once the causes are mended: edgeq deploy --resume {work.run.id}")
    return code
