"""Generated cases of every operator: CASES[name](rng) yields them, the same on every run."""

from __future__ import annotations

from tests.ops.cases import dense, elementwise, movers, pooling, reducing, signs, wide, windows
from tests.ops.cases.base import Case, Rng, Table, rng_of

CASES: Table = {
    **windows.TABLE,
    **pooling.TABLE,
    **dense.TABLE,
    **elementwise.TABLE,
    **movers.TABLE,
    **reducing.TABLE,
    **signs.TABLE,
    **wide.TABLE,
}


def cases_of(op: str) -> list[Case]:
    return list(CASES[op](rng_of(op)))


def random_case(op: str, rng: Rng) -> Case:
    """A case of a convolution with sizes drawn at random."""
    name, _, kind = op.rpartition("_")
    return {"s8": windows.random_s8, "s16": wide.random_s16, "f32": windows.random_f32}[kind](rng, windows.LAYOUTS[name])
