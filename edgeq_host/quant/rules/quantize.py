"""Integers of fewer bits that a source states: those of the input, further apart in int8."""

from __future__ import annotations

from edgeq_host.graph import Node
from edgeq_host.quant.build import Build

_ENDS = (("lo", "low"), ("hi", "high"))
_WHOLE = {"lo": -128, "hi": 127}


def apply(build: Build, node: Node) -> None:
    x, y = (build.affine(name) for name in (node.inputs[0], node.outputs[0]))
    bounds = {key: y.zero + round((node.attrs[name] - node.attrs["zero"]) * node.attrs["scale"] / y.scale) for key, name in _ENDS}
    if x == y and bounds == _WHOLE:
        build.alias(node.outputs[0], build.integers(node.inputs[0]))
        return
    attrs = {"x_zero": x.zero, "y_zero": y.zero, **build.pair(x.scale / y.scale, x.reach, node.name), **bounds}
    build.compute("requantize", node.name, [build.integers(node.inputs[0])], build.output(node.outputs[0]), attrs)
