"""`pipe:COMMAND`: a process on this machine, on its standard input and output. {agent} and the like: edgeq_host.programs."""

from __future__ import annotations

import os

from edgeq_host.errors import LinkError, UsageError
from edgeq_host.programs import agent_path, words
from edgeq_host.stream import ProcessStream
from edgeq_host.transports import DEFAULT, Closed, Options


class PipeTransport(ProcessStream):
    def __init__(self, command: list[str]) -> None:
        super().__init__(command, _missing(command[0]), _ended)

    def explain(self, code: int | None, said: str) -> Exception:
        return LinkError(f"the program ended with code {code}" + (f": {said}" if said else ""), "repeat the command")


def _missing(program: str) -> str:
    """What to do where the program is not there: the agent is edgeq's own, any other is the address's."""
    if program != str(agent_path()):
        return "correct the address: after pipe: stands a program that is there, with its arguments"
    if os.environ.get("EDGEQ_AGENT"):
        return "EDGEQ_AGENT names it: set it to an agent that is there, or leave it unset"
    return "build it with `make build`, or install the package edgeq-runtime again"


def _ended(code: int | None, errors: str) -> Closed:
    text = errors[-400:].strip()
    how = "closed its output" if code is None else f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
    return Closed(f"the agent {how}" + (f": {text}" if text else ""), usage=code == UsageError.code, code=code)


def open_address(rest: str, options: Options = DEFAULT) -> PipeTransport:
    return PipeTransport(words(rest))


def open_program(rest: str, options: Options, command: str) -> PipeTransport:
    """The device is this machine; what `rest` starts on it does not matter."""
    return PipeTransport(["sh", "-c", command])
