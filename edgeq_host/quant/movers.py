"""Operators that move bytes: in int8 as in float, with their inputs in the output's quantization."""

from __future__ import annotations

from edgeq_host.graph import Attrs, Node
from edgeq_host.quant.build import Build


def move(build: Build, node: Node, count: int = 1, attrs: Attrs | None = None) -> None:
    """`count` of the inputs carry values, the rest indices."""
    y = build.affine(node.outputs[0])
    inputs = [build.integers(name, y) for name in node.inputs[:count]] + [build.same(name) for name in node.inputs[count:]]
    build.emit(node.op, node.name, inputs, build.output(node.outputs[0]), node.attrs if attrs is None else attrs)
