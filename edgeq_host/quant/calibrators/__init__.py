"""Calibrators: each turns the values that a tensor took over the calibration samples into a range. One module per method.

A module has `Options` (a frozen dataclass: the keys of a recipe's [options]) and `Observer(options)` with `observe(values)`,
called once per sample in sample order with a flat float32 array, and `range() -> (lo, hi)`. Statistics are float64.
"""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from typing import Any, Protocol

from edgeq_host.errors import UsageError
from edgeq_host.graph import Array

METHODS = ("minmax", "moving-average", "percentile", "mse")


class Observer(Protocol):
    def observe(self, values: Array) -> None: ...

    def range(self) -> tuple[float, float]: ...


def options(method: str, values: dict[str, Any]) -> Any:
    """The options of a method, checked. UsageError names what is allowed."""
    if method not in METHODS:
        raise UsageError(f"calibrator {method!r} does not exist", f"choose one of: {', '.join(METHODS)}")
    kind = _module(method).Options
    allowed = [f.name for f in fields(kind)]
    for key, value in values.items():
        if key not in allowed:
            known = f"its options are: {', '.join(allowed)}" if allowed else "it has no options"
            raise UsageError(f"calibrator {method!r} does not know the option {key!r}", known)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise UsageError(f"option {key} of calibrator {method!r} must be a number, found {value!r}", "give a number")
    return kind(**values)


def make(method: str, values: dict[str, Any]) -> Observer:
    checked = options(method, values)
    observer: Observer = _module(method).Observer(checked)
    return observer


def _module(method: str) -> Any:
    return import_module(f"{__name__}.{method.replace('-', '_')}")
