"""Options that name a private key: a file, a descriptor or an environment variable, never the key itself."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from edgeq_host.errors import UsageError

if TYPE_CHECKING:
    from edgeq_host.keys import PrivateKey, Secret

F = TypeVar("F", bound=Callable[..., Any])
_DESCRIPTOR = click.IntRange(min=0)


def passphrase_options(function: F) -> F:
    """--passphrase-fd, --passphrase-env: the argument `passphrase`, a Secret or None."""

    @functools.wraps(function)
    def run(*args: Any, passphrase_fd: int | None, passphrase_env: str | None, **kwargs: Any) -> Any:
        given = _secret("--passphrase", None, passphrase_fd, passphrase_env)
        return function(*args, passphrase=given, **kwargs)

    by_env = click.option("--passphrase-env", metavar="VAR", help="The environment variable that holds the key's passphrase.")
    by_fd = click.option("--passphrase-fd", metavar="N", type=_DESCRIPTOR, help="The descriptor to read the key's passphrase from.")
    return cast(F, by_fd(by_env(run)))


def private_key_options(flag: str, what: str) -> Callable[[F], F]:
    """--FLAG FILE, --FLAG-fd N, --FLAG-env VAR and the passphrase: the argument `load`, a function that gives the PrivateKey, or None
    where no key is named."""

    def wrap(function: F) -> F:
        @functools.wraps(function)
        def run(*args: Any, passphrase: Secret | None, **kwargs: Any) -> Any:
            found = _secret(f"--{flag}", *(kwargs.pop(f"{flag}_{kind}") for kind in ("file", "fd", "env")))

            def load() -> PrivateKey:
                from edgeq_host.keys import read_private

                assert found is not None
                return read_private(found, passphrase)

            return function(*args, load=load if found else None, **kwargs)

        decorated: Any = passphrase_options(run)
        for option in (
            click.option(f"--{flag}-env", f"{flag}_env", metavar="VAR", help="The environment variable that holds it."),
            click.option(f"--{flag}-fd", f"{flag}_fd", metavar="N", type=_DESCRIPTOR, help="The descriptor to read it from."),
            click.option(f"--{flag}", f"{flag}_file", metavar="FILE", type=click.Path(path_type=Path), help=what),
        ):
            decorated = option(decorated)
        return cast(F, decorated)

    return wrap


def _secret(flag: str, file: Path | None, descriptor: int | None, variable: str | None) -> Secret | None:
    from edgeq_host.keys import Secret

    given = [value for value in (file, descriptor, variable) if value is not None]
    if len(given) > 1:
        raise UsageError(f"{flag} is given more than once", f"give one of {flag}, {flag}-fd and {flag}-env")
    return Secret(file, descriptor, variable) if given else None
