from __future__ import annotations

import numpy as np
import pytest

from edgeq_host.errors import UnsupportedError
from edgeq_host.graph import Graph, Tensor
from edgeq_host.quant.affine import Affine
from edgeq_host.quant.build import Build, pair
from edgeq_runtime.rounding import requantize

A, B, C = Affine(0.1, 3), Affine(0.2, -4), Affine(float(np.float32(0.2) + np.float32(2**-26)), -4)


def build() -> Build:
    constant = Tensor("c", (3,), "f32", np.array([1, 2, 3], np.float32))
    tensors = [Tensor("x", (2, 3), "f32"), constant, Tensor("c.2", (3,), "f32")]
    made = Build(Graph("g", {t.name: t for t in tensors}, [], [], []), {"x": A, "c.2": B})
    made.output("x")
    return made


def test_every_conversion_is_made_once() -> None:
    made = build()
    assert made.integers("x") == "x" and made.integers("x", B) == made.integers("x", B) and made.f32("x") == made.f32("x")
    assert [n.op for n in made.graph.nodes] == ["requantize_s8", "dequantize_s8"]


def test_quantizations_that_hardly_differ_are_still_two_tensors() -> None:
    made = build()
    assert made.integers("x", B) != made.integers("x", C)


def test_a_constant_in_two_quantizations_takes_no_other_tensors_name() -> None:
    made = build()
    first, second = made.integers("c", A), made.integers("c", B)
    assert first == "c" and second not in ("c", "c.2")
    assert made.output("c.2") == "c.2"
    assert np.array_equal(made.graph.tensors[second].data, B.quantize(np.array([1, 2, 3], np.float32)))


@pytest.mark.parametrize("factor", [2.0**-40, 1e-6, 1 / 3, 0.5, 0.987654321, 1.0, 7.3, 4000.0])
def test_a_pair_gives_the_product_rounded(factor: float) -> None:
    found = pair(factor, 1000, "node")
    acc = np.arange(-1000, 1001)
    assert np.abs(requantize(acc, found["m"], found["n"]) - np.floor(acc * factor + 0.5)).max() <= (1 if factor > 1 else 0)


@pytest.mark.parametrize(("factor", "bound"), [(4.0, 1 << 28), (1e7, 1), (float("inf"), 1)])
def test_a_factor_that_no_shift_can_hold_is_refused_by_name(factor: float, bound: int) -> None:
    with pytest.raises(UnsupportedError, match="node"):
        pair(factor, bound, "node")
