"""Signs: thresholds of int8 activations, where no layer before them has them already."""

from __future__ import annotations

from edgeq_host.graph import Node
from edgeq_host.quant.bits import sign_of_int8
from edgeq_host.quant.build import Build, NoRuleError


def apply(build: Build, node: Node) -> None:
    if node.outputs[0] not in build.signs.held:
        raise NoRuleError("its two values are not s and -s")
    if not build.has_bits(node.outputs[0]):
        sign_of_int8(build, node)
