"""A clip after an operator that has bounds of its own becomes those bounds."""

from __future__ import annotations

from dataclasses import replace

from edgeq_host.graph import Node
from edgeq_host.passes.rewriter import Rewriter


def fuse(rewriter: Rewriter, node: Node) -> list[Node] | None:
    if node.op != "clip_f32":
        return None
    before = rewriter.makers.get(node.inputs[0])
    if before is None or not {"lo", "hi"} <= set(before.attrs) or not rewriter.absorbable(node.inputs[0]):
        return None
    lo, hi = (_clamp(before.attrs[k], node.attrs["lo"], node.attrs["hi"]) for k in ("lo", "hi"))
    return [replace(before, outputs=node.outputs, attrs={**before.attrs, "lo": lo, "hi": hi})]


def _clamp(value: float, lo: float, hi: float) -> float:
    return lo if value < lo else hi if value > hi else value
