"""Emulated: operators whose weights are stored in less than a byte give the bytes of the reference on every 64-bit Arm CPU."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from bench.arm import guest
from edgeq_runtime.ops import DTYPES
from tests.ops.cases import low
from tests.ops.cases.base import Array, Case, rng_of
from tests.ops.compare import difference
from tests.ops.runner import model_bytes, run_reference

CPUS = ("cortex-a72", "cortex-a76", "max")  # the best kernels of each are others
ALL = [(op, form) for op in low.OPS for form in low.forms(op)]


def run_there(cpu: str, op: str, case: Case, folder: Path) -> Array:
    pack = folder / "case.eqm"
    pack.write_bytes(model_bytes(op, case))
    given = b"".join(np.ascontiguousarray(x).tobytes() for i, x in enumerate(case.inputs) if i not in case.constant)
    return np.frombuffer(guest.infer(cpu, pack, given), DTYPES[case.dtype]).reshape(case.shape)


def differences(cpu: str, op: str, form: str, every: int, folder: Path) -> list[str]:
    cases = islice(low.cases(op, form, rng_of(f"{op} {form}")), 0, None, every)
    found = ((case.label, difference(run_reference(op, case), run_there(cpu, op, case, folder))) for case in cases)
    return [f"{label}: {problem}" for label, problem in found if problem]


@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize(("op", "form"), [("conv2d_s8", "s4"), ("fully_connected_s8", "s2/groups"), ("fully_connected_s8", "nested")])
def test_some_layers_equal_the_reference(cpu: str, op: str, form: str, tmp_path: Path) -> None:
    assert differences(cpu, op, form, 12, tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize(("op", "form"), ALL)
def test_layers_of_every_width_equal_the_reference(cpu: str, op: str, form: str, tmp_path: Path) -> None:
    assert differences(cpu, op, form, 3, tmp_path) == []
