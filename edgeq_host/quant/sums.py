"""add and sub: two int16 factors and one shift (SPEC.md 2.1)."""

from __future__ import annotations

import math

import numpy as np

from edgeq_host.graph import Node
from edgeq_host.quant.build import Build, NoRuleError

_FACTOR_BITS = 15


def add(build: Build, node: Node, sign: int) -> None:
    """a + sign b."""
    if _offset(build, node, sign):
        return
    a, b = (build.affine(name) for name in node.inputs)
    y = build.affine(node.outputs[0])
    factors = _factors(a.scale / y.scale, b.scale / y.scale)
    attrs = {"a_zero": a.zero, "b_zero": b.zero, "y_zero": y.zero, "a_mul": factors[0], "b_mul": sign * factors[1], "shift": factors[2]}
    attrs |= y.clamp(node.attrs["lo"], node.attrs["hi"])
    build.compute("add", node.name, [build.integers(name) for name in node.inputs], build.output(node.outputs[0]), attrs)


def _factors(a: float, b: float) -> tuple[int, int, int]:
    """int16 factors, the larger in [2^14, 2^15), and their common shift."""
    # Under 2^-16 the sum of two int8 stays below half a step (of two int16 below one), and so it does at 2^-16, the smallest that 30
    # bits of shift can say.
    grow = max(1.0, 2.0**-16 / max(a, b))
    a, b = a * grow, b * grow
    shift = _FACTOR_BITS - math.frexp(max(a, b))[1]
    if round(max(a, b) * 2.0**shift) == 1 << _FACTOR_BITS:
        shift -= 1
    if shift < 1:
        raise NoRuleError(f"its inputs are {max(a, b):.3g} times coarser than its output")
    return round(a * 2.0**shift), round(b * 2.0**shift), shift


def _offset(build: Build, node: Node, sign: int) -> bool:
    """x +- one whole number of steps, at equal scales, without a clamp: the same bytes under another zero point."""
    name, other = node.inputs
    value = build.constant(other)
    if build.constant(name) is not None or value is None or value.size != 1 or not np.isfinite(value).all():
        return False
    if node.attrs["lo"] != -math.inf or node.attrs["hi"] != math.inf:
        return False
    x, y = build.affine(name), build.affine(node.outputs[0])
    steps = sign * float(value.reshape(-1)[0]) / x.scale
    same = (x.scale, x.levels) == (y.scale, y.levels) and build.tensor(name).shape == build.tensor(node.outputs[0]).shape
    if not same or y.zero != x.zero - round(steps):
        return False
    build.alias(node.outputs[0], build.integers(name))
    return True
