"""Ctrl-C and SIGTERM end a command with one line and 130, at every moment.

Nothing here takes long to import: it must be in place before what does.
"""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False  # not typing's, for the same reason
if TYPE_CHECKING:
    from typing import Any, NoReturn

CODE = 130
TEXT = "interrupted"
HINT = "nothing is half done: run the command again"

_SIGNALS = signal.SIGINT, signal.SIGTERM
_came: list[int] = []  # signals since begin()
_advice = [HINT, ""]  # and the run on several devices that is going on


def guard() -> None:
    """While only imports run: leave at once. An exception would become another one inside the import of a compiled module."""
    _handle(lambda number, frame: _leave())


def begin() -> None:
    """From now on there may be something to clean up: the first signal is a KeyboardInterrupt, the second leaves at once.

    While a compiled module is being set up the first does so, too: some crash where an exception comes out of what they call, and
    nothing is half written then.
    """
    _came.clear()
    _handle(_interrupt)
    sys.unraisablehook = _unraisable


def came() -> bool:
    """Whether a signal came since begin(): whatever goes wrong afterwards goes wrong because of it."""
    return bool(_came)


def advise(hint: str, run: str = "") -> None:
    """From now on an interrupted command is not simply to be run again. run: what it can be resumed by. Both ASCII, without quotes."""
    _advice[:] = hint, run


def end() -> None:
    """The outcome is decided: the interpreter may end in peace.

    Python makes a note of a KeyboardInterrupt that leaves an exec or eval of a text (dataclasses are made so). Under `python -m` it then
    ends by the signal instead of with the exit code, though the exception was caught. The next eval of a text clears the note.
    """
    _handle(signal.SIG_IGN)
    eval("0")


def say() -> int:
    """Tell the user. By itself, for a moment when nothing else may be imported yet, or any more."""
    hint, run = _advice
    if "--json" in sys.argv:
        more = f', "run": "{run}"' if run else ""
        _write(1, f'{{"error": {{"code": {CODE}, "message": "{TEXT}", "hint": "{hint}"{more}}}}}\n')
    else:
        _write(2, f"error: {TEXT}; {hint}\n")
    return CODE


def _handle(action: Any) -> None:
    """Where the caller has not had it ignored, as shells do for what runs in the background."""
    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, action)


def _interrupt(number: int, frame: Any) -> None:
    _came.append(number)
    if len(_came) > 1 or _in_compiled_import(frame):
        _leave()
    raise KeyboardInterrupt


def _in_compiled_import(frame: Any) -> bool:
    """Whether importlib has called the C code that makes a module."""
    while frame is not None:
        if type(frame.f_locals.get("self")).__name__ == "ExtensionFileLoader":
            return True
        frame = frame.f_back
    return False


def _leave() -> NoReturn:
    say()
    os._exit(CODE)


def _unraisable(problem: Any) -> None:
    """Python prints what is raised where nobody can catch it (in __del__, for one)."""
    if not isinstance(problem.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(problem)


def _write(file: int, text: str) -> None:
    try:  # noqa: SIM105 (contextlib takes long to import)
        os.write(file, text.encode("ascii"))
    except OSError:
        pass  # closed by the caller: the exit code still tells
