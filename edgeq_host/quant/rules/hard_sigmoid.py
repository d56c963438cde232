"""Hard-sigmoid: a table."""

from __future__ import annotations

from edgeq_host.graph import Node
from edgeq_host.quant.build import Build
from edgeq_host.quant.tables import unary


def apply(build: Build, node: Node) -> None:
    unary(build, node)
