"""What commands on several devices share: options, a line for each device as it ends, exit code 7."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edgeq_host import settings
from edgeq_host.cli import output, target
from edgeq_host.errors import PartialError

if TYPE_CHECKING:
    from edgeq_host.fleet.work import Outcome
    from edgeq_host.targets import Target

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
Moved = Callable[[str, int, int], None]


def jobs_option(function: F) -> F:
    """-j, EDGEQ_JOBS or `jobs` of edgeq.toml."""
    return click.option(
        "-j",
        "--jobs",
        envvar="EDGEQ_JOBS",
        default=target.setting("jobs", 8),
        show_default="8",
        type=click.IntRange(*settings.LIMITS["jobs"]),
        help="Devices at the same time.",
    )(function)


@contextmanager
def bars(label: str) -> Iterator[Moved | None]:
    """A function (device, done, of) that moves a bar for each device on stderr; None where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield None
        return
    tasks: dict[str, TaskID] = {}
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TransferSpeedColumn()
    with Progress(*columns, console=console, transient=True) as progress:

        def move(device: str, done: int, of: int) -> None:
            if device not in tasks:
                tasks[device] = progress.add_task(f"{label} {device}", total=of)
            progress.update(tasks[device], completed=done, visible=done < of)

        yield move


def failure(outcome: Outcome[Any], as_json: bool, **fields: object) -> None:
    """The line of a device that did not end well. fields: more for JSON."""
    name, error = outcome.target.name, outcome.error
    if as_json:
        if error is not None:
            fields["error"] = output.fields_of(error)
        output.json_line("edgeq.device/1", board=name, state=outcome.state, **fields)
    elif error is None:
        output.line(f"{name}: {outcome.state}")
    else:
        output.line(f"{name}: {outcome.state}: {error.message}")
        output.note(f"hint:  {name}: {error.hint}") if error.hint else None


def each(targets: Sequence[Target], jobs: int, job: Callable[[Target], T], schema: str, show: Callable[[T], None], as_json: bool) -> int:
    """Do the same on every device and print what comes of it; the exit code. One device alone answers as it always does."""
    from edgeq_host.fleet.work import DONE, Limits
    from edgeq_host.fleet.work import each as work

    if len(targets) == 1:
        value = job(targets[0])
        output.document(schema, **asdict(value)) if as_json else show(value)  # type: ignore[call-overload]
        return 0
    failed = 0
    for outcome in work(targets, job, Limits(jobs)):
        failed += outcome.state != DONE
        if outcome.state != DONE:
            failure(outcome, as_json)
        elif as_json:
            output.json_line(schema, **asdict(outcome.value))  # type: ignore[call-overload]
        else:
            assert outcome.value is not None
            show(outcome.value)
    return ended(failed, len(targets), as_json)


def ended(failed: int, of: int, as_json: bool) -> int:
    """The exit code, and what is said of several devices at the end."""
    if failed and not as_json:
        output.note(f"{failed} of {of} devices did not end well")
    return PartialError.code if failed else 0
