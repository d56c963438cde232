"""What every command prints with: results on stdout, everything else on stderr, one JSON document with --json."""

from __future__ import annotations

import functools
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TextIO, TypeVar

import click
from click.core import ParameterSource
from rich.console import Console
from rich.table import Table

from edgeq_host.errors import EdgeqError, LinkError, UnsupportedError, UsageError
from edgeq_host.text import printable
from edgeq_host.units import counted as counted
from edgeq_host.units import quantity as quantity

_KEPT = "\n\t"  # of control characters, in what is printed for people
MIN_NAME = 12  # characters of a name that a narrow terminal still shows

F = TypeVar("F", bound=Callable[..., Any])


def options(function: F) -> F:
    """The options that every command has. --traceback is read where errors end, in cli.group."""
    function = click.option("--traceback", is_flag=True, expose_value=False, help="Show where an error arose in the code.")(function)
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout; errors too.")(function)


class OutputError(UsageError):
    """The result could not be written: a full disk is said."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"the result cannot be written: {error.strerror or error}", "free space or write elsewhere")


def _write(text: str) -> None:
    """A part of the result. A reader that has left (`edgeq check m.onnx | head`) changes nothing of how the command ends."""
    try:
        click.echo(text, sys.stdout)
    except BrokenPipeError:
        discard(sys.stdout)
    except OSError as problem:
        discard(sys.stdout)
        raise OutputError(problem) from problem


def _say(text: str) -> None:
    """Beside the result; what devices and files say is in it. Where nobody can read it, nothing else changes."""
    if sys.stderr is None:  # closed by the caller
        return
    try:
        click.echo(printable(text, _KEPT), sys.stderr)
    except OSError:
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """What is still to be written goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def document(schema: str, **fields: Any) -> None:
    """Print a JSON result: `schema` as in "edgeq.deploy/1", then the fields."""
    _write(json.dumps({"schema": schema, **fields}, indent=2, default=_plain))


def json_line(schema: str, **fields: Any) -> None:
    """One of several JSON results, on a line of its own."""
    _write(json.dumps({"schema": schema, **fields}, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} in a JSON result")


def line(text: str = "") -> None:
    """A line of the result."""
    _write(printable(text, _KEPT))


def note(text: str) -> None:
    """Anything that is not the result: progress, warnings, what was chosen."""
    _say(text)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], left: int = 1) -> None:
    """A table: the first `left` columns are aligned left, the others right. No heading where no column has a name.

    Where a terminal is too narrow, names (the longest of the left columns) are shortened, never a number; lines wrap after that.
    """
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column), default=0) for column in zip(columns, *cells, strict=True)]
    if sys.stdout.isatty():
        _shorten(cells, widths, left, sys.stdout)
    grid = Table(box=None, pad_edge=False, show_header=any(columns), header_style="" if "NO_COLOR" in os.environ else "bold")
    for i, column in enumerate(columns):
        grid.add_column(column, justify="left" if i < left else "right", no_wrap=True)
    for row in cells:
        grid.add_row(*row)
    console = Console(file=sys.stdout, highlight=False, markup=False, soft_wrap=True, width=sum(widths) + 2 * len(widths))
    with console.capture() as text:  # rich would end the program where the reader has left
        console.print(grid)
    _write(text.get().removesuffix("\n"))


def _shorten(cells: list[list[str]], widths: list[int], left: int, terminal: TextIO) -> None:
    """Cut the widest left column, at most to MIN_NAME characters; the end of a name says most."""
    over = sum(widths) + 2 * (len(widths) - 1) - os.get_terminal_size(terminal.fileno()).columns
    widest = max(range(left), key=lambda i: widths[i])
    width = max(MIN_NAME, widths[widest] - over)
    if over <= 0 or width >= widths[widest]:
        return
    widths[widest] = width
    for row in cells:
        if len(row[widest]) > width:
            row[widest] = ".." + row[widest][2 - width :]


def trace(problem: Exception) -> None:
    """Where an error arose: for --traceback."""
    _say("".join(traceback.format_exception(problem)).rstrip())


def fields_of(problem: EdgeqError) -> dict[str, Any]:
    """An error in JSON."""
    body: dict[str, Any] = {"code": problem.code, "message": problem.message, "hint": problem.hint}
    if isinstance(problem, UnsupportedError):
        body["problems"] = list(problem.problems)
    if isinstance(problem, LinkError) and problem.kind:
        body["kind"] = problem.kind
    return body


def error(problem: EdgeqError, as_json: bool) -> int:
    """Print an error and give its exit code. On stderr where stdout does not take the document."""
    if as_json:
        with suppress(OutputError):
            _write(json.dumps({"error": fields_of(problem)}, indent=2))
            return problem.code
    _say(f"error: {problem.message}")
    for place in problem.problems if isinstance(problem, UnsupportedError) else ():
        if place not in problem.message:
            _say(f"  {place}")
    if problem.hint:
        _say("hint:  " + problem.hint.replace("\n", "\n       "))
    return problem.code


@contextmanager
def bar(label: str) -> Iterator[Callable[[int, int], None] | None]:
    """A function (done, of) that moves a bar on stderr; None where that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as shown:

        def move(done: int, of: int) -> None:
            shown.length = of
            shown.update(done - shown.pos)

        yield move


@contextmanager
def to_the_end() -> Iterator[Callable[[Callable[[], None]], None]]:
    """A function that prints; where it cannot (a full disk), the work goes on and the first error comes at its end."""
    problems: list[OutputError] = []

    def show(what: Callable[[], None]) -> None:
        try:
            what()
        except OutputError as problem:
            problems.append(problem)

    yield show
    if problems:
        raise problems[0]


def given(option: str) -> bool:
    """Whether an option stands on the command line, and not in the environment or a file."""
    return click.get_current_context().get_parameter_source(option) == ParameterSource.COMMANDLINE


def subcommand(group: click.Group, name: str) -> Callable[[F], click.Command]:
    """A command of a group, with the options that all share."""

    def wrap(function: F) -> click.Command:
        made = command(name)(function)
        group.add_command(made)
        return made

    return wrap


def command(name: str) -> Callable[[F], click.Command]:
    """A command with the options that all share."""

    def wrap(function: F) -> click.Command:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return click.command(name)(options(run))

    return wrap
