"""Calibrators: each turns the values that a tensor took over the calibration samples into a range. One module per method.

A module has `Options` (a frozen dataclass: the keys of a recipe's [options]) and `Observer(options)` with `observe(values)`,
called once per sample in sample order with a flat float32 array, and `range(levels) -> (lo, hi)`, for a quantization of so many
levels. Statistics are float64.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

from edgeq_host.errors import UsageError
from edgeq_host.graph import Array
from edgeq_host.quant.options import checked

METHODS = ("auto", "minmax", "moving-average", "percentile", "mse")


class Observer(Protocol):
    def observe(self, values: Array) -> None: ...

    def range(self, levels: int) -> tuple[float, float]: ...


def options(method: str, values: dict[str, Any]) -> Any:
    """The options of a method, checked. UsageError names what is allowed."""
    if method not in METHODS:
        raise UsageError(f"calibrator {method!r} does not exist", f"choose one of: {', '.join(METHODS)}")
    return checked(f"calibrator {method!r}", _module(method).Options, values)


def make(method: str, values: dict[str, Any]) -> Observer:
    checked_options = options(method, values)
    observer: Observer = _module(method).Observer(checked_options)
    return observer


def _module(method: str) -> Any:
    return import_module(f"{__name__}.{method.replace('-', '_')}")
