"""Quotient: by a constant it is a product with the reciprocals, else a table of two inputs."""

from __future__ import annotations

import numpy as np

from edgeq_host.graph import Node
from edgeq_host.quant.affine import LEVELS, WIDE_LEVELS, affine
from edgeq_host.quant.build import Build
from edgeq_host.quant.products import multiply
from edgeq_host.quant.tables import binary


def apply(build: Build, node: Node) -> None:
    divisor = build.constant(node.inputs[1])
    if divisor is None or not np.all(divisor):
        binary(build, node)
        return
    inverse = np.float32(1) / divisor
    a, b = build.affine(node.inputs[0]), affine(float(inverse.min()), float(inverse.max()), WIDE_LEVELS if build.wide else LEVELS)
    name = build.add_constant(f"{node.inputs[1]}/reciprocal", b.quantize(inverse), b.dtype, b.quant())
    multiply(build, node, a, build.integers(node.inputs[0]), b, name)
