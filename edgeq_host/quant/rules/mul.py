"""Product of two tensors, broadcast."""

from __future__ import annotations

from edgeq_host.graph import Node
from edgeq_host.quant.build import Build
from edgeq_host.quant.products import factor, multiply


def apply(build: Build, node: Node) -> None:
    a, b = (build.affine(name) for name in node.inputs)
    factor(build, node, a, b)
    multiply(build, node, a, build.integers(node.inputs[0]), b, build.integers(node.inputs[1]))
