"""Larger of two tensors, broadcast; both come in the output's quantization."""

from __future__ import annotations

from edgeq_host.graph import Node
from edgeq_host.quant.build import Build


def apply(build: Build, node: Node) -> None:
    y = build.affine(node.outputs[0])
    inputs = [build.integers(name, y) for name in node.inputs]
    build.emit("max_s8", node.name, inputs, build.output(node.outputs[0]), y.clamp(node.attrs["lo"], node.attrs["hi"]))
