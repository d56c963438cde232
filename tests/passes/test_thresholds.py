"""Thresholds of signs are exact, also where a value lies on them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from edgeq_host.thresholds import Condition, above, clamped, lowest_float, lowest_integer, norm, scaled


def _neighbours(holds: Condition, found: np.float32) -> None:
    """Holds there, and not one float32 below."""
    assert holds(Fraction(float(found)))
    assert not holds(Fraction(float(np.nextafter(found, np.float32(-np.inf)))))


@pytest.mark.parametrize("value", [0.0, 1.0, -1.0, 0.1, -0.1, 1e-45, -1e-45, 3.4e38, -3.3e38, 127.5])
def test_a_float32_is_its_own_threshold_and_another_number_the_next_above(value: float) -> None:
    own = np.float32(value)
    assert lowest_float(above(float(own))) == own
    _neighbours(above(value), lowest_float(above(value)))


def test_what_always_or_never_holds_is_an_infinity() -> None:
    assert lowest_float(above(float("-inf"))) == -np.inf and lowest_float(above(float("inf"))) == np.inf
    assert lowest_float(lambda v: True) == -np.inf and lowest_float(lambda v: False) == np.inf
    assert lowest_integer(above(0.5), -3, 3) == 1 and lowest_integer(above(1.0), -3, 3) == 1
    assert lowest_integer(above(9.0), -3, 3) == 4 and lowest_integer(above(-9.0), -3, 3) == -3


@pytest.mark.parametrize("gamma", [3, -3])
def test_a_batch_norm_of_exactly_zero_counts_as_plus(gamma: int) -> None:
    """gamma (x - 2) / 3 + 7 = 0: the float32 factors gamma / 3 and 7 - 2 gamma / 3 would miss it."""
    holds, turn = norm(Fraction(gamma), Fraction(7), Fraction(2), Fraction(9))
    zero = Fraction(2) - Fraction(21, gamma)
    assert turn == (1 if gamma > 0 else -1)
    for x, plus in ((zero, True), (zero + Fraction(1, 10**12), gamma > 0), (zero - Fraction(1, 10**12), gamma < 0)):
        assert (holds(x) if turn > 0 else not holds(x)) == plus
    assert holds(zero) == (turn > 0)


def test_a_batch_norm_of_gamma_zero_is_constant() -> None:
    for beta, found in ((0, -np.inf), (1, -np.inf), (-1, np.inf)):
        holds, turn = norm(Fraction(0), Fraction(beta), Fraction(5), Fraction(1))
        assert (lowest_float(holds), turn) == (found, 1)


def test_thresholds_of_random_batch_norms_are_where_the_formula_changes_its_sign() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        gamma, beta, mean, variance = (Fraction(float(v)) for v in rng.normal(0, 1, 4).astype(np.float32))
        variance = abs(variance) + 1
        holds, turn = norm(gamma, beta, mean, variance)
        x = np.longdouble(float(lowest_float(holds)))
        below = np.longdouble(float(np.nextafter(np.float32(x), np.float32(-np.inf))))
        y = [np.longdouble(float(gamma)) * (v - np.longdouble(float(mean))) / np.sqrt(np.longdouble(float(variance))) for v in (x, below)]
        y = [v + np.longdouble(float(beta)) for v in y]
        assert (y[0] >= 0, y[1] < 0) == (True, True) if turn > 0 else (y[0] < 0, y[1] >= 0) == (True, True)


def test_scales_and_clamps_before_a_sign() -> None:
    holds, turn = scaled(above(1.0), 1, Fraction(-2), Fraction(3))  # -2 x + 3 >= 1: x <= 1, so turned round from x > 1 on
    assert turn == -1 and lowest_float(holds) == np.nextafter(np.float32(1), np.float32(2))
    assert lowest_float(clamped(above(0.5), 0.0, 1.0)) == np.float32(0.5)
    assert lowest_float(clamped(above(0.0), 0.0, 1.0)) == -np.inf
    assert lowest_float(clamped(above(1.5), 0.0, 1.0)) == np.inf
    assert scaled(above(0.0), 1, Fraction(0), Fraction(-1))[0](Fraction(10**9)) is False
