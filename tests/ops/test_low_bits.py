"""Weights stored in less than a byte: the C core under every set of instruction sets gives exactly the bytes of the reference."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq_runtime import packing
from tests.ops.cases import low
from tests.ops.cases.base import rng_of
from tests.ops.runner import differences, run_reference

ALL = [(op, form) for op in low.OPS for form in low.forms(op)]


@pytest.mark.parametrize(("op", "form"), ALL)
def test_core_equals_reference_on_every_instruction_set(op: str, form: str) -> None:
    cases = list(low.cases(op, form, rng_of(f"{op} {form}")))
    assert len(cases) >= 8
    assert differences(op, cases) == []


@pytest.mark.parametrize("k", [65535, 65536, 65537, 70000])
@pytest.mark.parametrize("form", ["s4", "s2", "b1", "nested"])
def test_the_largest_sums_of_long_rows_are_exact(form: str, k: int) -> None:
    assert differences("fully_connected_s8", [low.long_rows(form, k, positive) for positive in (False, True)]) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(1, 20))])
@pytest.mark.parametrize(("op", "form"), [(op, form) for op, form in ALL if low.OPS[op] != "dense"])
def test_convolutions_of_any_size_equal_the_reference(op: str, form: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert differences(op, (low.random_low(op, form, rng) for _ in range(60))) == []


@pytest.mark.parametrize(("op", "form"), ALL)
def test_cases_reach_many_values(op: str, form: str) -> None:
    seen: set[int] = set()
    for case in low.cases(op, form, rng_of(f"{op} {form}")):
        seen |= set(np.unique(run_reference(op, case).view(np.uint8)).tolist())
    assert len(seen) >= 200


@pytest.mark.parametrize("dtype", ["s4", "s2", "b1"])
def test_packing_gives_every_length_back(dtype: str) -> None:
    rng = np.random.default_rng(3)
    for count in range(1, 70):
        values = low.fill(rng, (count,), dtype, "random")
        data = packing.pack(values, dtype)
        assert len(data) == packing.packed_bytes(count, dtype) == -(-count * {"s4": 4, "s2": 2, "b1": 1}[dtype] // 8)
        assert np.array_equal(packing.unpack(data, (count,), dtype), values)


def test_elements_lie_from_the_lowest_bits_on() -> None:
    assert packing.pack([1, -8, 7], "s4") == b"\x81\x07"
    assert packing.pack([1, -2, 0, -1, 1], "s2") == b"\xc9\x01"
    assert packing.pack([1, -1, -1, 1, 1, 1, 1, 1, -1], "b1") == b"\x06\x01"


@pytest.mark.parametrize(("dtype", "value"), [("s4", 8), ("s4", -9), ("s2", 2), ("s2", -3), ("b1", 0), ("b1", 2), ("b1", -2)])
def test_a_value_that_a_type_does_not_have_is_refused(dtype: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{value} is no {dtype}"):
        packing.pack([1, value], dtype)


def test_bytes_that_do_not_fit_a_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="takes 2 bytes, found 3"):
        packing.unpack(b"abc", (3,), "s4")
