"""Every error that a user can meet. The class says who must act; the exit code is the class's (docs/errors.md)."""

from __future__ import annotations


class EdgeqError(Exception):
    """What was found and expected (`message`) and what to do about it (`hint`). `code` is the process's exit code."""

    code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(EdgeqError):
    """Arguments, recipe, board name or settings are wrong."""

    code = 2


class ModelError(EdgeqError):
    """A model, pack or data file is wrong or does not fit; nothing was sent."""

    code = 3


class UnsupportedError(ModelError):
    """A model uses what edgeq does not have. `problems` lists every place, not only the first."""

    def __init__(self, message: str, hint: str = "", problems: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.problems = problems


class BoardError(ModelError):
    """The model does not fit the board, or edgeq has no agent for it; nothing was sent."""


class LinkError(EdgeqError):
    """The device cannot be reached or stopped answering; it runs what it ran before. kind: a word for scripts, one of docs/ssh.md's."""

    code = 4

    def __init__(self, message: str, hint: str = "", kind: str = "") -> None:
        super().__init__(message, hint)
        self.kind = kind


class RestartedError(LinkError):
    """The device has started anew, and knows nothing of the session any more. A new session on the same line may go on."""


class RolledBackError(EdgeqError):
    """The health check on the device failed; the previous version runs."""

    code = 5


class SignatureError(EdgeqError):
    """A file is not signed as it has to be, or a change of keys is not proved; nothing was changed."""

    code = 6


class PartialError(EdgeqError):
    """Some devices of several failed; each has been said by itself."""

    code = 7


class RollbackError(EdgeqError):
    """A rollback is not possible, or a switch could neither be completed nor undone."""

    code = 8


class DeviceTimeoutError(EdgeqError):
    """The device stopped answering at a moment that leaves its state unknown."""

    code = 9


class GateError(EdgeqError):
    """A gate that the user set (eval --min, check --strict) is not met."""

    code = 10
