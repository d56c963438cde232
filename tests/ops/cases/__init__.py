"""Generated cases of every operator: CASES[name](rng) yields them, the same on every run."""

from __future__ import annotations

from tests.ops.cases import dense, elementwise, movers, reducing, windows
from tests.ops.cases.base import Case, Table, rng_of

CASES: Table = {**windows.TABLE, **dense.TABLE, **elementwise.TABLE, **movers.TABLE, **reducing.TABLE}


def cases_of(op: str) -> list[Case]:
    return list(CASES[op](rng_of(op)))
