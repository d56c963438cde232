"""Power: a table of two inputs."""

from __future__ import annotations

from edgeq_host.graph import Node
from edgeq_host.quant.build import Build
from edgeq_host.quant.tables import binary


def apply(build: Build, node: Node) -> None:
    binary(build, node)
