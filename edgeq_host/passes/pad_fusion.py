"""A pad of zeros before a convolution or an average becomes that operator's own padding."""

from __future__ import annotations

from dataclasses import replace

from edgeq_host.graph import Attrs, Node
from edgeq_host.passes.perm import same_meaning
from edgeq_host.passes.rewriter import Rewriter

_CONVOLUTIONS = ("conv2d_f32", "depthwise_conv2d_f32")


def fuse(rewriter: Rewriter, node: Node) -> list[Node] | None:
    """The average counts the padding only where it had none of its own, since that one may not count."""
    average = node.op == "avg_pool2d_f32" and not any(node.attrs[p] for p in _SIDES)
    if node.op not in _CONVOLUTIONS and not average:
        return None
    pad = rewriter.maker(node.inputs[0], "pad")
    if pad is None or not _of_zeros(pad.attrs) or not _quant_kept(rewriter, pad):
        return None
    attrs = {**node.attrs, **_sum(node.attrs, pad.attrs)}
    if average:
        attrs["include_pad"] = 1
    return [replace(node, inputs=(pad.inputs[0], *node.inputs[1:]), attrs=attrs)]


_SIDES = ("pad_top", "pad_left", "pad_bottom", "pad_right")


def _of_zeros(pad: Attrs) -> bool:
    """Zeros (also -0.0) around height and width alone."""
    image = all(not side[i] for side in (pad["before"], pad["after"]) for i in (0, 3, 4, 5))
    return image and pad["mode"] == 0 and pad["value"] in (0, -(2**31))


def _quant_kept(rewriter: Rewriter, pad: Node) -> bool:
    x, y = pad.inputs[0], pad.outputs[0]
    return rewriter.tensor(y).quant is None or same_meaning(rewriter, x, y)


def _sum(node: Attrs, pad: Attrs) -> Attrs:
    (_, top, left), (_, bottom, right) = pad["before"][:3], pad["after"][:3]
    added = dict(zip(_SIDES, (top, left, bottom, right), strict=True))
    return {side: node[side] + amount for side, amount in added.items()}
