"""Clip."""

from __future__ import annotations

from edgeq_host.graph import Node
from edgeq_host.quant.build import Build


def apply(build: Build, node: Node) -> None:
    y = build.affine(node.outputs[0])
    x = build.integers(node.inputs[0], y)
    build.compute("clip", node.name, [x], build.output(node.outputs[0]), y.clamp(node.attrs["lo"], node.attrs["hi"]))
