"""What `run`, `eval` and `profile` work on: a FILE here, a FILE sent to a board's memory, or a NAME installed on a board."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edgeq_host import settings
from edgeq_host.cli import output
from edgeq_host.cli.key_options import KeyFile
from edgeq_host.errors import UsageError

if TYPE_CHECKING:
    from edgeq_host.inventory import Entry
    from edgeq_host.targets import Target
    from edgeq_host.transports import Options

F = TypeVar("F", bound=Callable[..., Any])


class Seconds(click.FloatRange):
    """`nan` and `inf` are numbers to Python."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if not math.isfinite(found):
            self.fail(f"{value} is no number of seconds.", param, ctx)
        return found


_MEANS = "A device, an address (pi@kitchen.local), a kind of board or a family"


def setting(key: str, otherwise: Any = None) -> Callable[[], Any]:
    """The default of an option that edgeq.toml may give."""

    def read() -> Any:
        return settings.value(key, otherwise)

    return read


def connection_options(function: F) -> F:
    """How devices are reached; `connection` gives it to whoever opens them."""

    def keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        context.meta[f"edgeq.{parameter.name}"] = value

    text = "The ssh client: openssh, or paramiko. Default: OpenSSH where it is installed."
    for option in (
        click.option("--accept-new-host-key", is_flag=True, expose_value=False, callback=keep, help="Take the key of an unknown ssh host."),
        click.option(
            "--identity",
            metavar="FILE",
            type=KeyFile(),
            expose_value=False,
            callback=keep,
            help="A private key file for ssh; default: its own choice.",
        ),
        click.option("--no-input", is_flag=True, expose_value=False, callback=keep, help="Never ask: fail where a question would be."),
        click.option(
            "--ssh",
            envvar="EDGEQ_SSH",
            default=setting("ssh"),
            type=click.Choice(settings.LIMITS["ssh"]),
            expose_value=False,
            callback=keep,
            help=text,
        ),
    ):
        function = option(function)
    return function


def connection() -> Options:
    """What connection_options were given."""
    from edgeq_host.transports import Options

    meta = click.get_current_context().meta
    identity = str(meta["edgeq.identity"].expanduser()) if meta.get("edgeq.identity") else ""
    return Options(meta.get("edgeq.ssh") or "", identity, bool(meta.get("edgeq.accept_new_host_key")), bool(meta.get("edgeq.no_input")))


def board_option(required: bool) -> Callable[[F], F]:
    """-b/--board, EDGEQ_BOARD or `board` of edgeq.toml. Where it is not required, this machine takes its place."""
    text = _MEANS + ("." if required else "; without it this machine.")
    option = click.option("-b", "--board", envvar="EDGEQ_BOARD", default=setting("board"), metavar="BOARD", help=text)
    return lambda function: option(connection_options(function))


def boards_option(function: F) -> F:
    """--board for several devices, with --all and --tag."""
    function = connection_options(function)
    function = click.option("--tag", "tags", multiple=True, metavar="TAG", help="The devices that have this tag, or another given one.")(
        function
    )
    function = click.option("--all", "every", is_flag=True, help="All your devices, or with --board those that it means.")(function)
    return click.option(
        "-b", "--board", "words", envvar="EDGEQ_BOARD", multiple=True, metavar="BOARD", help=f"{_MEANS}; several, or with commas."
    )(function)


def timeout_option(function: F) -> F:
    return click.option("--timeout", default=60.0, show_default=True, type=Seconds(min=0.1), help="Seconds for the self-test.")(function)


def keep_option(function: F) -> F:
    """--keep, EDGEQ_KEEP or `keep` of edgeq.toml."""
    text = "Versions that stay there, this one counted; default: as before."
    kind, default = click.IntRange(*settings.LIMITS["keep"]), setting("keep")
    return click.option("--keep", envvar="EDGEQ_KEEP", default=default, show_default=False, type=kind, metavar="N", help=text)(function)


def threads_option(function: F) -> F:
    text = "Threads that compute one inference; the results are the same."
    return click.option("--threads", default=1, show_default=True, type=click.IntRange(1, 64), help=text)(function)


def with_connection(entry: Entry) -> Target:
    """A device that need not be in edgeq.toml yet, reached as the options say."""
    from edgeq_host.targets import of_entry, with_options

    return with_options(of_entry(entry), connection())


def resolve(board: str | None) -> Target:
    """The one device of --board."""
    found = resolve_all([board] if board else [])
    if len(found) != 1:
        raise UsageError(f"--board {board} names {len(found)} devices", "this command works on one: name one")
    return found[0]


def resolve_all(words: Sequence[str], every: bool = False, tags: Sequence[str] = ()) -> list[Target]:
    """The devices of --board, --all and --tag; which is meant is said where the word was not its name."""
    from edgeq_host.targets import resolve as find

    if (every or tags) and not output.given("words"):
        words = ()  # EDGEQ_BOARD is for commands that name no device, and narrows no choice
    found = find(words, every, tags, connection())
    if len(found) == 1 and found[0].name not in words:
        kind = f", {found[0].board.id}" if found[0].board is not None and found[0].board.id != found[0].name else ""
        output.note(f"board {found[0].name}: {found[0].place}{kind}")
    for target in found:
        if target.remark:
            output.note(target.remark)
    return found


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
