"""Rewrites that every imported graph goes through: each module has one, `normalize` runs them until nothing changes."""

from __future__ import annotations

from edgeq_host.graph import Graph
from edgeq_host.passes import (
    clamp,
    constants,
    edges,
    identities,
    pad_fusion,
    reshapes,
    scale_fusion,
    scale_layer,
    sign_fusion,
    sign_values,
    sink,
    transposes,
)
from edgeq_host.passes.rewriter import Rewrite, Rewriter, remove_dead

__all__ = ["normalize"]

LAYOUT: tuple[Rewrite, ...] = (
    constants.fold,
    identities.remove,
    transposes.merge,
    transposes.share,
    sink.sink,
    reshapes.sink_transpose,
    reshapes.split_transpose,
    reshapes.below_elementwise,
    reshapes.into_weights,
    reshapes.out_of_weights,
)
FUSION: tuple[Rewrite, ...] = (
    sign_values.straightened,
    sign_values.scaled,
    sign_fusion.before,  # before the rest: layers would take the constants with a rounding
    sign_fusion.before_reshape,
    sign_fusion.before_pooling,
    pad_fusion.fuse,
    scale_fusion.after_layer,
    clamp.fuse,
    scale_fusion.before_layer,
    identities.remove,
)
LAST: tuple[Rewrite, ...] = (scale_layer.make, *LAYOUT, *FUSION, sign_values.weights)
_MAX_ROUNDS = 1000  # every rewrite shortens the graph or moves something towards its outputs; more rounds are a bug


def normalize(graph: Graph) -> Graph:
    """An equal graph: NHWC, constants and batch norm folded, activations fused, no avoidable transposes, no dead nodes."""
    graph = graph.copy()
    remove_dead(graph)
    hoisted: set[str] = set()
    for rewrites in (LAYOUT, LAYOUT + FUSION, LAST):
        _until_stable(graph, rewrites, hoisted)
    return graph


def _until_stable(graph: Graph, rewrites: tuple[Rewrite, ...], hoisted: set[str]) -> None:
    for _ in range(_MAX_ROUNDS):
        while Rewriter(graph).sweep(transposes.spread_quant):
            pass
        changed = [edges.absorb(graph, hoisted)]  # first: a transpose right behind an input would sink away from it
        changed += [Rewriter(graph).sweep(rewrite) for rewrite in rewrites]
        if not any(changed):
            return
    raise AssertionError("the passes do not come to an end")
