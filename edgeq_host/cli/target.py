"""What `run`, `eval` and `profile` work on: a FILE here, a FILE sent to a board's memory, or a NAME installed on a board."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edgeq_host.cli import output
from edgeq_host.errors import UsageError

if TYPE_CHECKING:
    from edgeq_host.targets import Target

F = TypeVar("F", bound=Callable[..., Any])


def board_option(required: bool) -> Callable[[F], F]:
    """-b/--board, or EDGEQ_BOARD. Where it is not required, this machine takes its place."""
    text = "A board id, such as local" + ("." if required else "; without it this machine.")
    return click.option("-b", "--board", envvar="EDGEQ_BOARD", required=required, metavar="BOARD", help=text)


def timeout_option(function: F) -> F:
    return click.option("--timeout", default=60.0, show_default=True, type=click.FloatRange(min=0.1), help="Seconds for the self-test.")(
        function
    )


def threads_option(function: F) -> F:
    text = "Threads that compute one inference; the results are the same."
    return click.option("--threads", default=1, show_default=True, type=click.IntRange(1, 64), help=text)(function)


def resolve(board: str) -> Target:
    """The board of --board; what was chosen is said where the name was an alias."""
    from edgeq_host.boards import resolve as find
    from edgeq_host.targets import of_board

    found = find(board)
    if found.id != board:
        output.note(f"board {found.id}")
    return of_board(found)


def file_or_name(target: str, on_board: bool) -> tuple[str, bytes | None]:
    """The name, and the bytes where `target` is a file. UsageError where it is neither."""
    from edgeq_host.export import read_file

    path = Path(target)
    if path.is_file():
        return path.stem, read_file(path)
    if on_board and path.suffix != ".eqm" and "/" not in target:
        return target, None
    if on_board:
        raise UsageError(f"there is no file {target}", "give an .eqm file, or the NAME of a model on the board (edgeq status lists them)")
    raise UsageError(f"there is no file {target}", "give an .eqm file, or --board to name a model that is installed there")


def opened(target: str, board: str | None, variant: str | None, threads: int = 1) -> Any:
    """A model with inputs, outputs and run(); a context manager where it lives on a board."""
    from edgeq_host.export import unpack
    from edgeq_host.remote import RemoteModel
    from edgeq_runtime import native
    from edgeq_runtime.abi import IsaError

    name, data = file_or_name(target, board is not None)
    if board is not None:
        return RemoteModel(resolve(board), name, data, variant or "", threads=threads)
    assert data is not None
    unpack(data, target)
    try:
        return native.Model(data, variant=variant, threads=threads)
    except IsaError:
        raise
    except native.Error as error:
        raise UsageError(f"{target}: {error}", "edgeq inspect shows what the file holds") from error
