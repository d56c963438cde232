"""Emulated: products of signs on 64-bit Arm give the bytes of the reference, whatever rows are copied together, and reach their goals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.arm import guest, signs
from tests.ops.cases.base import Case
from tests.ops.cases.signs import G, conv, sign_b1, unpack_s8
from tests.ops.runner import model_bytes, run_reference

CPU = "cortex-a72"
SHAPES = (
    G((1, 9, 7, 32), 40, (3, 3), pad=(1, 1, 1, 1)),
    G((2, 6, 5, 64), 33, (3, 3), stride=(2, 1), pad=(1, 1, 1, 1)),
    G((1, 7, 6, 100), 35, (2, 3), dilation=(2, 1), pad=(0, 2, 1, 1)),
    G((1, 12, 11, 128), 64, (3, 3), pad=(1, 1, 1, 1)),
    G((1, 5, 5, 512), 36, (3, 3), pad=(1, 1, 1, 1)),
    G((1, 1, 9, 40), 70, (1, 1)),
    G((1, 3, 3, 128), 32, (1, 1)),
)


def ran(op: str, case: Case, folder: Path) -> bytes:
    pack = folder / "case.eqm"
    pack.write_bytes(model_bytes(op, case))
    return guest.infer(CPU, pack, np.ascontiguousarray(case.inputs[0]).tobytes())


@pytest.mark.slow
@pytest.mark.parametrize("to_signs", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_convolutions_give_the_bytes_of_the_reference(shape: G, to_signs: bool, tmp_path: Path) -> None:
    case = conv(np.random.default_rng(8), shape, ("random", "random"), to_signs)
    assert ran("conv2d_b1", case, tmp_path) == run_reference("conv2d_b1", case).tobytes()


@pytest.mark.slow
def test_signs_are_packed_and_unpacked_as_the_reference_says(tmp_path: Path) -> None:
    for op, cases in (("sign_b1", sign_b1), ("unpack_s8", unpack_s8)):
        for case in list(cases(np.random.default_rng(9)))[-6:]:
            assert ran(op, case, tmp_path) == run_reference(op, case).tobytes(), case.label


@pytest.mark.slow
def test_the_goals_of_signs_are_met() -> None:
    found = list(signs.of_signs())
    assert len(found) >= 3 and [goal for goal in found if not goal.met] == []
