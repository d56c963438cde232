"""Relu with a slope for negative values, broadcast."""

from __future__ import annotations

import numpy as np

from edgeq_host.graph import Node
from edgeq_host.quant.affine import Affine
from edgeq_host.quant.build import Build, NoRuleError, pair


def apply(build: Build, node: Node) -> None:
    alpha = build.constant(node.inputs[1])
    if alpha is None:
        raise NoRuleError("its slopes are computed at run time")
    x, y = build.affine(node.inputs[0]), build.affine(node.outputs[0])
    slope = Affine(float(np.float32(np.abs(alpha).max() / 127)) or 1.0, 0)
    up = pair(x.scale / y.scale, x.reach, node.name)
    down = pair(x.scale * slope.scale / y.scale, x.reach * 127, node.name)
    attrs = {"x_zero": x.zero, "y_zero": y.zero, "m_pos": up["m"], "n_pos": up["n"], "m_neg": down["m"], "n_neg": down["n"]}
    inputs = [build.integers(node.inputs[0]), build.integers(node.inputs[1], slope)]
    build.emit_clamped("prelu", node.name, inputs, build.output(node.outputs[0]), attrs, y)
