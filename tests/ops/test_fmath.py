"""exp, sigmoid, tanh and pow: the numpy mirror against csrc/eq_math.h, and both against the real functions."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgeq_runtime import fmath, lists
from tests.ops.cases.base import SPECIALS
from tests.ops.compare import stored

UNARY = ("exp", "sigmoid", "tanh")
CHUNK = 1 << 16  # stays in the cache: fourteen times as fast as in pieces of 16 MiB
_LOOP = "void loop_{name}(const float *x, float *y, long n) {{ for (long i = 0; i < n; i++) y[i] = eq_{name}(x[i]); }}\n"
_POW = "void pow2(const float *x, const float *e, float *y, long n) { for (long i = 0; i < n; i++) y[i] = eq_pow(x[i], e[i]); }\n"
Array = np.ndarray


@pytest.fixture(scope="module")
def header(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """eq_math.h as a library of loops over arrays."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler: cc, gcc or clang")
    folder: Path = tmp_path_factory.mktemp("math")
    source = '#include "eq_math.h"\n' + "".join(_LOOP.format(name=name) for name in UNARY) + _POW
    (folder / "loops.c").write_text(source)
    command = [compiler, "-O2", "-std=c11", "-ffp-contract=off", "-shared", "-fPIC", f"-I{lists.CSRC}", "-o", "loops.so", "loops.c"]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "loops.so"))


def in_c(function: Callable[..., None], *inputs: Array) -> Array:
    y = np.empty(inputs[0].shape, np.float32)
    arrays = [np.ascontiguousarray(v, np.float32) for v in inputs]
    function(*(ctypes.c_void_p(v.ctypes.data) for v in (*arrays, y)), ctypes.c_long(y.size))
    return y


def floats(first: int, count: int, step: int = 1) -> Array:
    """float32 by their bits."""
    return (first + step * np.arange(count, dtype=np.uint64)).astype(np.uint32).view(np.float32)


@pytest.mark.parametrize("name", UNARY)
def test_mirror_equals_the_header_on_floats_of_every_exponent(header: ctypes.CDLL, name: str) -> None:
    x = np.concatenate([floats(7, 1 << 19, 8191), SPECIALS, np.linspace(-110, 110, 20001, dtype=np.float32)])
    assert stored(getattr(fmath, name)(x)) == stored(in_c(getattr(header, f"loop_{name}"), x))


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.parametrize("name", UNARY)
def test_mirror_equals_the_header_on_every_float(header: ctypes.CDLL, name: str) -> None:
    for first in range(0, 1 << 32, CHUNK):
        x = floats(first, CHUNK)
        assert stored(getattr(fmath, name)(x)) == stored(in_c(getattr(header, f"loop_{name}"), x)), f"from bits {first:#x}"


def test_pow_equals_the_header_on_specials_integers_and_random_pairs(header: ctypes.CDLL) -> None:
    rng = np.random.default_rng(3)
    whole = np.array([-3, -2, 2, 3, 4, 5, 16777215, 16777216, -16777215, 2147483648, 1e30, -1e30, 0.25, -0.75, 1.5], np.float32)
    x, y = (v.reshape(-1) for v in np.meshgrid(np.concatenate([SPECIALS, whole]), np.concatenate([SPECIALS, whole])))
    bits = rng.integers(0, 1 << 32, (2, 200_000), dtype=np.uint32).view(np.float32)
    near = (rng.lognormal(0, 2, 200_000).astype(np.float32), rng.normal(0, 8, 200_000).astype(np.float32))
    x, y = np.concatenate([x, bits[0], near[0]]), np.concatenate([y, bits[1], near[1]])
    assert stored(fmath.pow(x, y)) == stored(in_c(header.pow2, x, y))


def test_functions_are_the_real_ones_to_half_a_unit_and_a_hair() -> None:
    """Against float64: relative error at most 2^-24, the rounding to float32, plus 2^-40."""
    x = np.linspace(-80, 80, 100_001, dtype=np.float32)
    wide = x.astype(np.float64)
    reals = {"exp": np.exp(wide), "sigmoid": 1 / (1 + np.exp(-wide)), "tanh": np.tanh(wide)}
    for name, want in reals.items():
        error = np.abs(getattr(fmath, name)(x).astype(np.float64) - want)
        assert np.all(error <= np.abs(want) * (2.0**-24 + 2.0**-40)), name
    base, power = np.meshgrid(np.geomspace(1e-3, 1e3, 300).astype(np.float32), np.linspace(-8, 8, 300, dtype=np.float32))
    want = base.astype(np.float64) ** power.astype(np.float64)
    assert np.all(np.abs(fmath.pow(base, power) - want) <= want * (2.0**-24 + 2.0**-37))


def test_ends_and_specials_are_those_of_ieee() -> None:
    inf, nan = np.inf, np.nan
    assert fmath.exp([inf, -inf, 0.0, 89.0]).tolist() == [inf, 0.0, 1.0, inf]
    assert fmath.sigmoid([inf, -inf, 0.0]).tolist() == [1.0, 0.0, 0.5]
    assert fmath.tanh([inf, -inf, 1e-45]).tolist() == [1.0, -1.0, float(np.float32(1e-45))]
    assert np.signbit(fmath.tanh([-0.0]))[0]
    assert np.isnan(fmath.exp([nan])).all() and np.isnan(fmath.tanh([nan])).all() and np.isnan(fmath.sigmoid([nan])).all()
    x, y = np.array([[-2, 3], [-2, 2], [-0.0, -1], [nan, 0], [1, nan], [-1, inf], [0, -inf]], np.float32).T
    assert fmath.pow(x, y).tolist() == [-8.0, 4.0, -inf, 1.0, 1.0, 1.0, inf]
    assert np.isnan(fmath.pow([-2.0], [0.5]))[0]
