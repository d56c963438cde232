"""Counts and quantities for people."""

from __future__ import annotations


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
