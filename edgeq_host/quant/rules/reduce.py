"""Sum, mean, maximum and minimum over axes; the other kinds have no integer form."""

from __future__ import annotations

import math

from edgeq_host.graph import Node
from edgeq_host.quant.build import Build, NoRuleError

_SUM, _MEAN, _MAX, _MIN = range(4)


def apply(build: Build, node: Node) -> None:
    kind, y = node.attrs["kind"], build.affine(node.outputs[0])
    if kind not in (_SUM, _MEAN, _MAX, _MIN):
        raise NoRuleError("products and norms over axes have no integer form")
    extreme = kind in (_MAX, _MIN)
    x = y if extreme else build.affine(node.inputs[0])
    shape = build.tensor(node.inputs[0]).shape
    count = math.prod(size for axis, size in enumerate(shape) if node.attrs["axes"] >> axis & 1)
    if not build.wide and count * x.reach >= 1 << 31:
        raise NoRuleError(f"a sum over {count} elements could overflow int32")
    factor = {"m": 0, "n": 1} if extreme else build.pair(x.scale / y.scale / (count if kind == _MEAN else 1), count * x.reach, node.name)
    attrs = {"kind": kind, "axes": node.attrs["axes"], "x_zero": x.zero, "y_zero": y.zero, **factor}
    build.emit_clamped("reduce", node.name, [build.integers(node.inputs[0], x)], build.output(node.outputs[0]), attrs, y)
