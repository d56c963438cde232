from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq_host.quant.affine import Affine, affine


def test_a_worked_example() -> None:
    """[-2.3, 1.7] in int8: zero point 19, and 0.5 becomes 51."""
    a = affine(-2.3, 1.7)
    assert a.zero == 19 and a.quantize(np.array([0.5]))[0] == 51
    assert a.scale == np.float32(4 / 255)


@pytest.mark.parametrize(("lo", "hi", "zero"), [(0.0, 6.0, -128), (1.0, 6.0, -128), (-3.0, -1.0, 127), (-128.0, 127.0, 0), (0.0, 0.0, 0)])
def test_a_range_is_widened_to_contain_0(lo: float, hi: float, zero: int) -> None:
    assert affine(lo, hi).zero == zero


@given(st.floats(-1e6, 1e6, width=32), st.floats(-1e6, 1e6, width=32), st.floats(0, 1))
def test_inside_the_range_the_error_is_half_a_step_and_0_is_exact(a: float, b: float, share: float) -> None:
    lo, hi = min(a, b, 0.0), max(a, b, 0.0)
    found = affine(lo, hi)
    x = np.array([lo + share * (hi - lo)], np.float32)
    # the zero point is rounded, so an end of the range may lie another half step outside
    assert abs(float(found.dequantize(found.quantize(x))[0]) - float(x[0])) <= 1.001 * found.scale
    assert found.dequantize(found.quantize(np.zeros(1, np.float32)))[0] == 0
    assert found.scale == np.float32(found.scale) and found.scale > 0 and -128 <= found.zero <= 127


def test_values_beyond_the_range_saturate() -> None:
    assert affine(-1, 1).quantize(np.array([-9, 9, -np.inf, np.inf], np.float32)).tolist() == [-128, 127, -128, 127]


def test_a_clamp_in_real_values_becomes_integers() -> None:
    a = Affine(0.5, -10)
    assert a.clamp(0.0, 6.0) == {"lo": -10, "hi": 2} and a.clamp(-np.inf, np.inf) == {"lo": -128, "hi": 127}
