"""edgeq init."""

from __future__ import annotations

from pathlib import Path

import click

from edgeq_host.cli import output
from edgeq_host.errors import UsageError


@output.command("init")
@click.option("--user", is_flag=True, help="Your own file, for every project, instead of one in this folder.")
def command(user: bool, as_json: bool) -> None:
    """Write a commented edgeq.toml: settings and your devices.

    \b
    edgeq init
    """
    from edgeq_host import settings
    from edgeq_host.export import write_new

    path = settings.user_path() if user else Path(settings.NAME)
    text = template()
    settings.parse(path, text)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path.parent}: {error.strerror or error}", "choose another folder, or mend its rights") from error
    try:
        write_new(path, text.encode("utf-8"))
    except FileExistsError:
        raise UsageError(f"{path} is there already", "nothing was changed; edit it, or remove it first") from None
    if as_json:
        output.document("edgeq.init/1", path=str(path))
    else:
        output.line(f"{path} is written; its settings are comments: take the # away where you want one")


_EXAMPLES = {"board": '"kitchen"', "ssh": '"openssh"', "keep": "2", "jobs": "8"}
_DEVICE = {"address": '"pi@kitchen.local"', "board": '"raspberrypi_5"', "key": '"~/.ssh/id_ed25519"', "tags": '["field", "pi"]'}


def template() -> str:
    """Every setting and every key of a device, as comments with what they do."""
    from edgeq_host.settings import DEVICE_KEYS, KEYS

    lines = [
        "# Settings of edgeq for this folder and those below it. A flag goes before EDGEQ_* in the environment, that before this file,",
        "# and this file before the one of the user (edgeq init --user).",
        "",
    ]
    for key, (_, text) in KEYS.items():
        lines += [f"# {text}", f"# {key} = {_EXAMPLES[key]}", ""]
    lines += ["# A device of yours. `edgeq devices add` writes such a table.", "# [devices.kitchen]"]
    lines += [f"# {key} = {_DEVICE[key]}  # {text}" for key, (_, text) in DEVICE_KEYS.items()]
    return "\n".join(lines) + "\n"
