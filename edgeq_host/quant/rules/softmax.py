"""Softmax over the last axis; its output has scale 1/256 and zero -128 by definition, another one is made from that."""

from __future__ import annotations

from edgeq_host.graph import Node
from edgeq_host.quant import tables
from edgeq_host.quant.build import Build, pair
from edgeq_host.quant.constraints import FIXED


def apply(build: Build, node: Node) -> None:
    name, made, y = node.outputs[0], FIXED["softmax_f32"], build.affine(node.outputs[0])
    table = build.add_constant(f"{node.name}/table", tables.softmax(build.affine(node.inputs[0])), "s32")
    inputs = [build.integers(node.inputs[0]), table]
    if y == made:
        build.emit("softmax_s8", node.name, inputs, build.output(name))
        return
    factor = pair(made.scale / y.scale, made.reach, node.name)
    between = build.between(f"{name}/softmax", build.tensor(name).shape, made)
    build.emit("softmax_s8", node.name, inputs, between)
    attrs = {"x_zero": made.zero, "y_zero": y.zero, **factor, **y.ends()}
    build.emit("requantize_s8", f"{node.name}/requantize", [between], build.output(name), attrs)
