"""Thresholds of signs in exact arithmetic: from which float32 or integer on a condition holds.

A sign after constants per channel is +1 where a monotone condition on its input holds. Conditions are functions of exact numbers, so
what they say at a tie is what the source's constants say, and no rounding in between.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Callable
from fractions import Fraction

import numpy as np

Condition = Callable[[Fraction], bool]
"""False up to some number, True from there on."""

_INFINITY = 0x7F800000  # its bits, as a float32


def above(threshold: float) -> Condition:
    """v >= threshold, which may be infinite."""
    return lambda v: v >= threshold


def lowest_float(holds: Condition) -> np.float32:
    """The smallest float32 for which it holds: -infinity where it holds for every finite one, infinity where for none."""
    found = bisect_left(range(1 - _INFINITY, _INFINITY), True, key=lambda place: holds(Fraction(_float(place))))
    return np.float32(_float(found + 1 - _INFINITY) if found else -np.inf)


def _float(place: int) -> float:
    """The float32 numbers in their order: 0 at place 0."""
    found: float = struct.unpack("<f", struct.pack("<I", place if place >= 0 else 0x80000000 - place))[0]
    return found


def lowest_integer(holds: Condition, low: int, high: int) -> int:
    """The smallest integer of low .. high for which it holds, high + 1 where there is none."""
    return low + bisect_left(range(low, high + 1), True, key=lambda q: holds(Fraction(q)))


def norm(gamma: Fraction, beta: Fraction, mean: Fraction, variance: Fraction) -> tuple[Condition, int]:
    """When gamma (x - mean) / sqrt(variance) + beta >= 0: the condition, or (with -1) that whose contrary says it."""
    if gamma >= 0:
        return lambda x: _root_above(gamma * (x - mean), -beta, variance), 1
    return lambda x: not _root_above(gamma * (x - mean), -beta, variance), -1


def _root_above(a: Fraction, b: Fraction, square: Fraction) -> bool:
    """a >= b sqrt(square), square > 0."""
    if a >= 0 and b <= 0:
        return True
    if a < 0 and b >= 0:
        return False
    return a * a >= b * b * square if a >= 0 else a * a <= b * b * square


def scaled(holds: Condition, turn: int, scale: Fraction, shift: Fraction) -> tuple[Condition, int]:
    """The same condition of x, where it was one of scale x + shift."""
    if scale >= 0:
        return lambda x: holds(scale * x + shift), turn
    return lambda x: not holds(scale * x + shift), -turn


def clamped(holds: Condition, lo: float, hi: float) -> Condition:
    """The same condition of x, where it was one of clamp(x, lo, hi)."""
    return lambda x: holds(x if lo <= x <= hi else Fraction(lo) if x < lo else Fraction(hi))
