"""Reshape. Bits stay bits where the operator keeps their rows."""

from __future__ import annotations

from edgeq_host.graph import Node
from edgeq_host.quant.build import Build
from edgeq_host.quant.movers import move

_WORD = 32  # bits to which a row of them is rounded up


def apply(build: Build, node: Node) -> None:
    x, y = (build.tensor(name).shape for name in (node.inputs[0], node.outputs[0]))
    keeps = x and y and (x[-1] == y[-1] or x[-1] % _WORD == y[-1] % _WORD == 0)
    if keeps and build.has_bits(node.inputs[0]) and node.outputs[0] in build.signs.held:
        build.emit("reshape", node.name, [build.b1(node.inputs[0])], build.output_b1(node.outputs[0]), node.attrs)
    else:
        move(build, node)
