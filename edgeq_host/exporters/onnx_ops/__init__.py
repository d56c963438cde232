"""What each int8 operator is in ONNX: a function (build, node) a row, in RULES of each module."""

from __future__ import annotations

from collections.abc import Callable

from edgeq_host.exporters.onnx_build import Build
from edgeq_host.exporters.onnx_ops import dense, elementwise, move, pool, resize, table
from edgeq_host.graph import Node

Rule = Callable[[Build, Node], None]
RULES: dict[str, Rule] = {
    **dense.RULES,
    **elementwise.RULES,
    **move.RULES,
    **pool.RULES,
    **resize.RULES,
    **table.RULES,
}
