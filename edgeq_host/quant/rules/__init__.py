"""How each float operator becomes int8: one module per operator, named as its row in ops.def without _f32.

A module has `apply(build, node)`, which emits the int8 nodes, or raises NoRuleError before it emits anything. An operator
without a module here computes in float32 between a dequantize and a quantize.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from edgeq_host.graph import Node
from edgeq_host.quant.build import Build

RULES = (
    "add", "avg_pool2d", "clip", "concat", "conv2d", "depthwise_conv2d", "div", "expand", "fully_connected", "hard_sigmoid",
    "hard_swish", "leaky_relu", "matmul", "max", "max_pool2d", "min", "mul", "pad", "pow", "prelu", "quantize", "reduce", "reshape",
    "resize_bilinear", "resize_nearest", "sigmoid", "sign", "slice", "softmax", "sub", "tanh", "transpose", "transpose_conv2d",
)  # fmt: skip

Rule = Callable[[Build, Node], None]


def find(op: str) -> Rule | None:
    """The rule of an operator of the float graph."""
    name = op.removesuffix("_f32")
    return cast(Rule, import_module(f"{__name__}.{name}").apply) if name in RULES else None
