"""Slice."""

from __future__ import annotations

from edgeq_host.graph import Node
from edgeq_host.quant.build import Build
from edgeq_host.quant.movers import move


def apply(build: Build, node: Node) -> None:
    move(build, node)
