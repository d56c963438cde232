"""Counts and quantities of and for people."""

from __future__ import annotations

import math

from edgeq_host.errors import UsageError


def quantity(count: float, unit: str) -> str:
    """12345678 bytes as "12.3 MB": three digits and a decimal prefix."""
    for prefix in ("", "k", "M", "G"):
        if count < 1000 or prefix == "G":
            return f"{count:.3g} {prefix}{unit}" if prefix else f"{count:g} {unit}"
        count /= 1000
    raise AssertionError


def counted(count: int, what: str) -> str:
    """ "1 model", "2 models"."""
    return f"{count} {what}" + ("" if count == 1 else "s")


def seconds(given: float) -> float:
    """UsageError where it is no time that can be waited for."""
    if not (math.isfinite(given) and given > 0):
        raise UsageError(f"{given} is no number of seconds", "give a finite number above 0")
    return given
