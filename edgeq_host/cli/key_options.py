"""Options that name a private key: a file, a descriptor or an environment variable, never the key itself."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from edgeq_host.errors import UsageError

if TYPE_CHECKING:
    from edgeq_host.keys import PrivateKey, Secret

F = TypeVar("F", bound=Callable[..., Any])
LONGEST_PATH = 4096  # bytes with the end, of Linux


class KeyFile(click.Path):
    """The name of a file with a key. No error repeats what stands in its place where that may be the key itself."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and ("\n" in value or "-----BEGIN" in value or len(os.fsencode(value)) >= LONGEST_PATH):
            what = param.opts[-1] if param is not None and param.param_type_name == "option" else "an argument"
            raise UsageError(
                f"the value of {what} is a key itself, not the name of a file",
                "it has now stood in the list of processes and may be in your shell's history: if it is private, make a new one. "
                "Give the name of a file; for a private key a descriptor or an environment variable will do (docs/signing.md)",
            )
        return super().convert(value, param, ctx)


class Descriptor(click.IntRange):
    """The number of an open descriptor. Its error does not repeat the value, which may be the secret."""

    def __init__(self) -> None:
        super().__init__(min=0)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        if not re.fullmatch("[0-9]{1,9}", value):
            what = param.opts[-1] if param is not None else "the descriptor"
            raise UsageError(
                f"the value of {what} is no number of a descriptor", "give a number such as 0, never the secret itself: everyone can see it"
            )
        return int(value)


def passphrase_options(function: F) -> F:
    """--passphrase-fd, --passphrase-env: the argument `passphrase`, a Secret or None."""

    @functools.wraps(function)
    def run(*args: Any, passphrase_fd: int | None, passphrase_env: str | None, **kwargs: Any) -> Any:
        given = _secret("--passphrase", None, passphrase_fd, passphrase_env)
        return function(*args, passphrase=given, **kwargs)

    by_env = click.option("--passphrase-env", metavar="VAR", help="The environment variable that holds the key's passphrase.")
    by_fd = click.option("--passphrase-fd", metavar="N", type=Descriptor(), help="The descriptor to read the key's passphrase from.")
    return cast(F, by_fd(by_env(run)))


def private_key_options(flag: str, what: str) -> Callable[[F], F]:
    """--FLAG FILE, --FLAG-fd N, --FLAG-env VAR and the passphrase: the argument `load`, a function that gives the PrivateKey, or None
    where no key is named."""

    def wrap(function: F) -> F:
        @functools.wraps(function)
        def run(*args: Any, passphrase: Secret | None, **kwargs: Any) -> Any:
            found = _secret(f"--{flag}", *(kwargs.pop(f"{flag}_{kind}") for kind in ("file", "fd", "env")))
            _check_apart(found, passphrase)

            def load() -> PrivateKey:
                from edgeq_host.keys import read_private

                assert found is not None
                return read_private(found, passphrase)

            return function(*args, load=load if found else None, **kwargs)

        decorated: Any = passphrase_options(run)
        for option in (
            click.option(f"--{flag}-env", f"{flag}_env", metavar="VAR", help="The environment variable that holds it."),
            click.option(f"--{flag}-fd", f"{flag}_fd", metavar="N", type=Descriptor(), help="The descriptor to read it from."),
            click.option(f"--{flag}", f"{flag}_file", metavar="FILE", type=KeyFile(), help=what),
        ):
            decorated = option(decorated)
        return cast(F, decorated)

    return wrap


def _secret(flag: str, file: Path | None, descriptor: int | None, variable: str | None) -> Secret | None:
    from edgeq_host.keys import Secret

    options = {flag: file, f"{flag}-fd": descriptor, f"{flag}-env": variable}
    given = [option for option, value in options.items() if value is not None]
    if len(given) > 1:
        raise UsageError(f"{flag} is given more than once", f"give one of {flag}, {flag}-fd and {flag}-env")
    return Secret(file, descriptor, variable, given[0]) if given else None


def _check_apart(key: Secret | None, passphrase: Secret | None) -> None:
    """Where one is read, nothing is left for the other."""
    if key is None or passphrase is None:
        return
    for what, same in (
        ("descriptor", key.descriptor is not None and key.descriptor == passphrase.descriptor),
        ("environment variable", key.variable is not None and key.variable == passphrase.variable),
    ):
        if same:
            raise UsageError(f"{key.option} and {passphrase.option} name the same {what}", f"give each a {what} of its own")
