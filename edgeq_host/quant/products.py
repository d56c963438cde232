"""Products of two tensors: what the rules of mul and div share."""

from __future__ import annotations

from edgeq_host.graph import Node
from edgeq_host.quant.affine import Affine
from edgeq_host.quant.build import Build


def multiply(build: Build, node: Node, a: Affine, a_name: str, b: Affine, b_name: str) -> None:
    """a_name and b_name are tensors of the integer graph."""
    y = build.affine(node.outputs[0])
    attrs = {"a_zero": a.zero, "b_zero": b.zero, "y_zero": y.zero, **factor(build, node, a, b)}
    attrs |= y.clamp(node.attrs["lo"], node.attrs["hi"])
    build.compute("mul", node.name, [a_name, b_name], build.output(node.outputs[0]), attrs)


def factor(build: Build, node: Node, a: Affine, b: Affine) -> dict[str, int]:
    """m and n; UnsupportedError where the product could overflow."""
    return build.pair(a.scale * b.scale / build.affine(node.outputs[0]).scale, a.reach * b.reach, node.name)
