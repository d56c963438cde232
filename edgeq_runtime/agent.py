"""The command `edgeq-agent`: the program in this package takes the place of the Python that found it. Python 3.6."""

import os
import sys


def path() -> str:
    """Of the program."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib", "edgeq-agent")


def main() -> None:
    program = path()
    try:
        os.execv(program, ["edgeq-agent", *sys.argv[1:]])
    except OSError as error:
        text = "edgeq-agent: {}: {}; install edgeq-runtime again, or build it with: python -m edgeq_runtime.build\n"
        sys.stderr.write(text.format(program, error.strerror))
        sys.exit(2)
