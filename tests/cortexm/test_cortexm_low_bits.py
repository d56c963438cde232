"""Emulated: operators whose weights are stored in less than a byte give the bytes of the reference on a Cortex-M55 with Helium."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from bench.cortexm import guest
from edgeq_runtime.ops import DTYPES
from tests.ops.cases import low
from tests.ops.cases.base import Array, Case, rng_of
from tests.ops.compare import difference
from tests.ops.runner import model_bytes, run_reference

pytestmark = pytest.mark.slow
ALL = [(op, form) for op in low.OPS for form in low.forms(op)]
SOME = [("conv2d_s8", "s4"), ("conv2d_s8", "nested"), ("fully_connected_s8", "s2/groups"), ("fully_connected_s8", "nested")]


def run_there(op: str, case: Case) -> Array:
    given = b"".join(np.ascontiguousarray(x).tobytes() for i, x in enumerate(case.inputs) if i not in case.constant)
    return np.frombuffer(guest.infer("m55", model_bytes(op, case), given).outputs, DTYPES[case.dtype]).reshape(case.shape)


def differences(op: str, form: str, every: int) -> list[str]:
    cases = islice(low.cases(op, form, rng_of(f"{op} {form}")), 0, None, every)
    found = ((case.label, difference(run_reference(op, case), run_there(op, case))) for case in cases)
    return [f"{label}: {problem}" for label, problem in found if problem]


@pytest.mark.parametrize(("op", "form"), SOME)
def test_some_layers_equal_the_reference(op: str, form: str) -> None:
    assert differences(op, form, 12) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize(("op", "form"), ALL)
def test_layers_of_every_width_equal_the_reference(op: str, form: str) -> None:
    assert differences(op, form, 3) == []
