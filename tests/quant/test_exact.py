"""Linear algebra whose bits do not depend on the order in which a BLAS adds."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from edgeq_host.quant import exact


def positive(n: int, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(2 * n, n)) * np.geomspace(1, 1e3, n)
    return np.asarray(x.T @ x)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 7, 5), (40, 128, 30), (5, 600, 9)])
@pytest.mark.parametrize("spread", [0, 12, 200])
def test_a_product_is_as_near_as_float64_and_the_same_in_any_order(shape: tuple[int, int, int], spread: int) -> None:
    rows, inner, columns = shape
    random = np.random.default_rng(rows + spread)
    a = random.normal(size=(rows, inner)) * 2.0 ** random.integers(-spread, spread + 1, (rows, 1))
    b = random.normal(size=(inner, columns)) * 2.0 ** random.integers(-spread, spread + 1, (1, columns))
    made = exact.product(a, b)
    for i, j in ((0, 0), (rows - 1, columns - 1)):
        true = sum(Fraction(float(x)) * Fraction(float(y)) for x, y in zip(a[i], b[:, j], strict=True))
        size = max(abs(Fraction(float(x)) * Fraction(float(y))) for x, y in zip(a[i], b[:, j], strict=True))
        assert abs(Fraction(float(made[i, j])) - true) <= size * Fraction(4, 1 << 53) + abs(true) * Fraction(1, 1 << 52)
    for _ in range(3):
        order = random.permutation(inner)
        assert np.array_equal(exact.product(a[:, order], b[order]), made)
        assert np.array_equal(np.concatenate([exact.product(a[:, order], b[order, j : j + 1]) for j in range(columns)], axis=1), made)


def test_a_product_with_zeros_and_of_nothing_is_zero() -> None:
    assert not exact.product(np.zeros((2, 3)), np.ones((3, 2))).any()
    assert exact.product(np.zeros((2, 0)), np.zeros((0, 2))).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("n", [1, 2, 31, 128, 129, 300])
def test_a_factor_gives_the_matrix_back(n: int) -> None:
    h = positive(n)
    upper, diagonal = exact.factor(h)
    assert np.array_equal(np.tril(upper, -1), np.zeros_like(upper)) and np.array_equal(np.diag(upper), np.ones(n)) and (diagonal > 0).all()
    assert np.abs((upper * diagonal) @ upper.T - h).max() <= 1e-12 * np.abs(h).max()


def test_blocks_give_the_factor_that_no_blocks_give(monkeypatch: pytest.MonkeyPatch) -> None:
    h = positive(70)
    whole = exact.factor(h)
    monkeypatch.setattr(exact, "_BLOCK", 16)
    for found, wanted in zip(exact.factor(h), whole, strict=True):
        assert np.abs(found - wanted).max() <= 1e-11 * np.abs(wanted).max()


def test_sums_are_added_in_order() -> None:
    values = np.array([[1.0, 2.0**-53, 2.0**-53], [2.0**-53, 2.0**-53, 1.0]])
    assert exact.total(values).tolist() == [1.0, 1.0 + 2.0**-52]
    assert exact.total(np.zeros((3, 0))).tolist() == [0, 0, 0]
