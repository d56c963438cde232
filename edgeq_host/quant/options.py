"""Options of a method (a calibrator, a step): values of a recipe as the fields of the method's dataclass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from edgeq_host.errors import UsageError

_KINDS: dict[str, tuple[type, ...]] = {"bool": (bool,), "int": (int,), "float": (int, float), "str": (str,)}
_WORDS = {"bool": "true or false", "int": "a whole number", "float": "a number", "str": "text"}


def checked(what: str, kind: Any, values: Mapping[str, Any]) -> Any:
    """kind(**values). UsageError names what is allowed; kind itself checks bounds. what: for errors, as "calibrator 'mse'"."""
    declared = {f.name: str(f.type) for f in fields(kind)}
    for key, value in values.items():
        if key not in declared:
            known = f"its options are: {', '.join(declared)}" if declared else "it has no options"
            raise UsageError(f"{what} does not know the option {key!r}", known)
        wanted = declared[key]
        if isinstance(value, bool) != (wanted == "bool") or not isinstance(value, _KINDS[wanted]):
            raise UsageError(f"option {key} of {what} must be {_WORDS[wanted]}, found {value!r}", f"give {_WORDS[wanted]}")
    return kind(**values)


def whole(key: str, value: int, low: int, high: int, example: int) -> None:
    """UsageError where a whole number is out of bounds."""
    if not (isinstance(value, int) and low <= value <= high):
        raise UsageError(f"{key} must be a whole number from {low} to {high}, found {value}", f"for example {example}")


@dataclass(frozen=True)
class StepOptions:
    """What every step has. max_bits: the widest weights that it touches."""

    max_bits: int = 8

    def __post_init__(self) -> None:
        whole("max_bits", self.max_bits, 1, 8, 4)
