"""Matrix product: with a constant right side it is a fully-connected layer with weights per channel, else of two activations."""

from __future__ import annotations

import numpy as np

from edgeq_host.graph import Node, Tensor
from edgeq_host.quant.build import Build, NoRuleError, pair
from edgeq_host.quant.weighted import constants


def apply(build: Build, node: Node) -> None:
    right = build.tensor(node.inputs[1])
    if right.data is not None and right.quant is None and len(right.shape) == 2:
        _layer(build, node, right)
        return
    a, b = (build.affine(name) for name in node.inputs)
    y = build.affine(node.outputs[0])
    bound = right.shape[-2] * a.reach * b.reach
    if bound >= 1 << 31:
        raise NoRuleError(f"a sum over {right.shape[-2]} products could overflow int32")
    attrs = {"a_zero": a.zero, "b_zero": b.zero, "y_zero": y.zero, **pair(a.scale * b.scale / y.scale, bound, node.name)}
    attrs |= y.clamp(node.attrs["lo"], node.attrs["hi"])
    build.emit("matmul_s8", node.name, [build.integers(name) for name in node.inputs], build.output(node.outputs[0]), attrs)


def _layer(build: Build, node: Node, right: Tensor) -> None:
    x, y = build.affine(node.inputs[0]), build.affine(node.outputs[0])
    data = np.ascontiguousarray(right.real().T)
    bias = Tensor(f"{node.name}/bias", data.shape[:1], "f32", np.zeros(data.shape[0], np.float32))
    weights = constants(build, node, Tensor(f"{right.name}/transposed", data.shape, "f32", data), bias, 0)
    attrs = {"x_zero": x.zero, "w_zero": weights.zero, "y_zero": y.zero, **y.clamp(node.attrs["lo"], node.attrs["hi"])}
    build.compute("fully_connected", node.name, [build.integers(node.inputs[0]), *weights.names], build.output(node.outputs[0]), attrs)
