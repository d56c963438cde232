"""edgeq remove."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edgeq_host.cli import fleet, output, target

if TYPE_CHECKING:
    from edgeq_host.deploy import Removed


@output.command("remove")
@click.argument("name")
@target.boards_option
@fleet.jobs_option
def command(name: str, words: tuple[str, ...], every: bool, tags: tuple[str, ...], jobs: int, as_json: bool) -> int:
    """Remove a model, its versions and unfinished uploads from a board, or with NAME@VERSION one version that is not current.

    A program that has it open keeps it until it ends.

    \b
    edgeq remove model --board local
    edgeq remove model@3 --board local
    """
    from edgeq_host.deploy import remove

    found = target.resolve_all(words, every, tags)
    return fleet.each(found, jobs, lambda on: remove(on, name), "edgeq.remove/1", _print, as_json)


def _print(done: Removed) -> None:
    what = f"{done.name} version {done.version}" if done.version else done.name
    output.line(f"{what} is removed from {done.board}")
