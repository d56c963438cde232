"""Requantization, multipliers and the channel blob against Python's big integers and exact fractions."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from edgeq_runtime.rounding import N_MAX, N_MIN, dequantize, multiplier, multipliers, pack_rq, quantize, requantize, unpack_rq

ACC = (0, 1, -1, 2, -2, 3, -3, 2**15, 2**16 - 1, 2**30, -(2**30), 2**31 - 1, -(2**31), 2**31 - 2, -(2**31) + 1, 1431655765, -1431655766)
M = (0, 2**30, 2**30 + 1, 2**31 - 1, 2**31 - 2, 1518500249, 1518500250)


def exact(acc: int, m: int, n: int) -> int:
    """floor(acc m 2^-(31+n) + 1/2) in exact fractions."""
    return math.floor(Fraction(acc * m, 1 << (31 + n)) + Fraction(1, 2))


def big(acc: int, m: int, n: int) -> int:
    """The same in Python's unbounded integers."""
    return (acc * m + (1 << (30 + n))) >> (31 + n)


def test_requantize_equals_exact_fractions_at_every_extreme() -> None:
    rows = list(itertools.product(ACC, M, range(N_MIN, N_MAX + 1)))
    acc, m, n = np.array(rows, np.int64).T
    assert requantize(acc, m, n).tolist() == [exact(*row) for row in rows]


def test_requantize_equals_big_integers_on_a_million_random_triples() -> None:
    rng, count = np.random.default_rng(12), 10**6
    acc = rng.integers(-(2**31), 2**31, count) >> rng.integers(0, 31, count)
    m = rng.integers(2**30, 2**31, count)
    n = rng.integers(N_MIN, N_MAX + 1, count)
    got = requantize(acc, m, n)
    assert got.tolist() == [big(*row) for row in zip(acc.tolist(), m.tolist(), n.tolist(), strict=True)]


def test_requantize_rounds_halves_up() -> None:
    odd = np.arange(-9, 10, 2, dtype=np.int64)
    for n in range(N_MIN, 28):
        acc = np.left_shift(odd, n) if n > 0 else odd  # acc 2^30 2^-(31+n) = odd / 2 for n > 0
        want = [(v + 1) // 2 for v in odd.tolist()] if n > 0 else [big(v, 2**30, n) for v in odd.tolist()]
        assert requantize(acc, 2**30, n).tolist() == want


@pytest.mark.parametrize("exponent", range(-32, 22))
def test_multiplier_is_the_nearest_pair(exponent: int) -> None:
    for fraction in (0.5, 0.5 + 2**-30, 0.75, 2**-0.5, 1 - 2**-31, 0.1 * 9):
        factor = math.ldexp(fraction, exponent + 1)
        m, n = multiplier(factor)
        assert 2**30 <= m < 2**31 and N_MIN <= n <= N_MAX
        assert abs(Fraction(m, 1 << (31 + n)) - Fraction(factor)) <= Fraction(1, 1 << (32 + n))


def test_multiplier_at_its_ends() -> None:
    assert multiplier(0.0) == (0, 1)
    assert multiplier(math.nextafter(2.0**-32, 0.0)) == (0, 1)
    assert multiplier(2.0**-32) == (2**30, 31)
    assert multiplier(math.nextafter(1.0, 0.0)) == (2**30, -1)  # m = 2^31 becomes 2^30 with n - 1
    assert multiplier(1.0) == (2**30, -1)
    assert multiplier(2.0**21) == (2**30, -22)


@pytest.mark.parametrize("factor", [-1.0, float("nan"), float("inf"), 2.0**22, math.nextafter(2.0**22, 0.0), -(2.0**-40)])
def test_multiplier_refuses_what_no_pair_can_say(factor: float) -> None:
    with pytest.raises(ValueError, match=r"must lie in \[0, 2\^22\)"):
        multiplier(factor)


def test_multipliers_is_multiplier_of_every_element() -> None:
    factors = [0.0, 1.0, 0.3, 1e-12, 77.7]
    m, n = multipliers(factors)
    assert m.dtype == np.int32 and n.dtype == np.int8
    assert list(zip(m.tolist(), n.tolist(), strict=True)) == [multiplier(f) for f in factors]


def test_quantize_rounds_half_to_even_saturates_and_maps_nan_to_zero() -> None:
    x = [0.5, 1.5, 2.5, -0.5, -1.5, 1e30, -1e30, np.nan, np.inf, -np.inf, -0.0]
    assert quantize(x, 1.0, 3).tolist() == [3, 5, 5, 3, 1, 127, -128, 3, 127, -128, 3]
    assert quantize([-300.0, 300.0], 1.0, 127).tolist() == [-128, 127]
    assert quantize([1.0], 1.1754944e-38, -128).tolist() == [127]


def test_quantize_gives_back_every_integer_that_dequantize_made() -> None:
    every = np.arange(-128, 128).astype(np.int8)
    for scale, zero in itertools.product((0.1, 1.0, 3.1415927, 1e-30, 1e30), (-128, 0, 127)):
        assert quantize(dequantize(every, scale, zero), scale, zero).tolist() == every.tolist()


def test_blob_is_nine_bytes_a_channel_and_comes_back() -> None:
    blob = pack_rq([1, -2], [2**30, 2**31 - 1], [-22, 31])
    assert blob.dtype == np.uint8
    assert blob.tobytes() == bytes.fromhex("01000000feffffff00000040ffffff7fea1f")
    bias, m, n = unpack_rq(blob)
    assert (bias.tolist(), m.tolist(), n.tolist()) == ([1, -2], [2**30, 2**31 - 1], [-22, 31])


def test_blob_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="9 bytes a channel"):
        unpack_rq(np.zeros(17, np.uint8))
    with pytest.raises(ValueError, match="of one length"):
        pack_rq([1], [2**30, 2**30], [1, 1])
