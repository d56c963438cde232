"""The console script and `python -m edgeq_host`. What takes long to import comes after Ctrl-C is looked after."""

from __future__ import annotations

import gc
import sys

from edgeq_host.cli import interrupt


def entry(args: list[str] | None = None) -> None:
    """Runs the command and leaves with its exit code. args: for a program, whose signals stay its own."""
    if args is not None:
        from edgeq_host.cli.group import run

        sys.exit(run(args))
    interrupt.guard()
    from edgeq_host.cli.group import run

    try:
        interrupt.begin()
        code = run(sys.argv[1:])
        interrupt.end()
    except KeyboardInterrupt:
        code = interrupt.CODE
    interrupt.end()
    gc.freeze()  # behind torch, the interpreter would look for garbage among millions of objects before it ends: a second
    sys.exit(interrupt.say() if code == interrupt.CODE or interrupt.came() else code)


if __name__ == "__main__":
    entry()
