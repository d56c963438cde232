"""Bilinear resize: the float weights of rows and columns become 11-bit ones."""

from __future__ import annotations

import numpy as np

from edgeq_host.graph import Array, Node
from edgeq_host.quant.build import Build, NoRuleError

_ONE = 2048
_PLACE_BITS = 12


def apply(build: Build, node: Node) -> None:
    tables = [build.tensor(name).data for name in node.inputs[1:]]
    rows, row_w, cols, col_w = tables
    if rows is None or row_w is None or cols is None or col_w is None:
        raise NoRuleError("its places are computed at run time")
    coded = [
        build.add_constant(f"{node.name}/rows", _code(rows, row_w), "s32"),
        build.add_constant(f"{node.name}/cols", _code(cols, col_w), "s32"),
    ]
    x = build.integers(node.inputs[0], build.affine(node.outputs[0]))
    build.emit("resize_bilinear_s8", node.name, [x, *coded], build.output(node.outputs[0]))


def _code(places: Array, weights: Array) -> Array:
    return (places.astype(np.int64) << _PLACE_BITS | np.rint(weights.astype(np.float64) * _ONE).astype(np.int64)).astype(np.int32)
