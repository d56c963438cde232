"""eq_round.h against exact arithmetic in integers without a bound."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgeq_runtime import build

COUNT = 1_000_000
EDGES = [0, 1, -1, 2**31 - 1, -(2**31), 2**30, -(2**30), 2**30 - 1, 255, -255, 256]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Undefined behaviour is a trap, so an overflow ends the test run."""
    target = tmp_path_factory.mktemp("requantize") / "requantize.so"
    source = Path(__file__).with_name("requantize_many.c")
    flags = [*build.BASE, "-O2", "-shared", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error", f"-I{build.CSRC}"]
    subprocess.run([*build.default_cc().split(), *flags, source, "-o", target], check=True)
    return ctypes.CDLL(str(target))


def triples() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(20)
    magnitude = rng.integers(0, 32, COUNT)
    acc = (rng.integers(-(2**31), 2**31, COUNT) >> magnitude).astype(np.int32)
    m = rng.integers(2**30, 2**31, COUNT).astype(np.int32)
    m[rng.random(COUNT) < 0.05] = 0
    m[rng.random(COUNT) < 0.05] = 2**30
    m[rng.random(COUNT) < 0.05] = 2**31 - 1
    n = rng.integers(-22, 32, COUNT).astype(np.int8)
    grid = [(a, b, c) for a in EDGES for b in (0, 2**30, 2**31 - 1) for c in range(-22, 32)]
    for i, column in enumerate(zip(*grid, strict=True)):
        (acc, m, n)[i][: len(grid)] = column
    return acc, m, n


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def test_a_million_triples_equal_the_formula(library: ctypes.CDLL) -> None:
    acc, m, n = triples()
    got, zero, clamped = np.empty(COUNT, np.int32), np.arange(COUNT).astype(np.int8), np.empty(COUNT, np.int8)
    library.requantize_many(ctypes.c_size_t(COUNT), pointer(acc), pointer(m), pointer(n), pointer(got))
    library.clamp_many(ctypes.c_size_t(COUNT), pointer(got), pointer(zero), pointer(clamped))
    wrong = []
    for a, b, c, value, z, y in zip(acc.tolist(), m.tolist(), n.tolist(), got.tolist(), zero.tolist(), clamped.tolist(), strict=True):
        exact = (a * b + (1 << 30 + c)) >> (31 + c)
        in_range = c >= 1 or abs(a) << (1 - c) < 2**31  # beyond it the result saturates, far outside int8
        if (in_range and value != exact) or y != max(-128, min(127, exact + z)):
            wrong.append((a, b, c, value, exact))
    assert not wrong, f"{len(wrong)} wrong, acc, m, n, got, want: {wrong[:3]}"


def test_only_pairs_of_the_specification_are_valid(library: ctypes.CDLL) -> None:
    good = [(0, 1), (2**30, -22), (2**31 - 1, 31), (2**30, 0)]
    bad = [(1, 1), (2**30 - 1, 1), (-1, 1), (-(2**31), 1), (2**30, 32), (2**30, -23), (0, 127), (0, -128)]
    assert all(library.valid(m, n) for m, n in good)
    assert not any(library.valid(m, n) for m, n in bad)
