"""Sum of two tensors, broadcast."""

from __future__ import annotations

from edgeq_host.graph import Node
from edgeq_host.quant import sums
from edgeq_host.quant.build import Build


def apply(build: Build, node: Node) -> None:
    sums.add(build, node, sign=1)
