"""Pooling and reductions."""

from __future__ import annotations

import numpy as np

from edgeq_host.exporters.onnx_build import NCHW, Build, Refusal, factor
from edgeq_host.graph import Node

_OPS = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin")
_SUM, _MEAN = 0, 1


def _window(node: Node) -> dict[str, list[int]]:
    a = node.attrs
    pads = [a[f"pad_{side}"] for side in ("top", "left", "bottom", "right")]
    for axis, side in enumerate("hw"):
        if max(pads[axis], pads[axis + 2]) > (a[f"kernel_{side}"] - 1) * a[f"dilation_{side}"]:
            raise Refusal("it has windows that lie wholly in the padding")
    found = {"kernel_shape": [a["kernel_h"], a["kernel_w"]], "strides": [a["stride_h"], a["stride_w"]], "pads": pads}
    dilations = [a["dilation_h"], a["dilation_w"]]
    return found | ({"dilations": dilations} if dilations != [1, 1] else {})


def avg_pool2d(b: Build, node: Node) -> None:
    a, name = node.attrs, f"{node.outputs[0]}/real"
    attrs, x = _window(node), b.real(node.inputs[0], NCHW)
    whole = b.shape(node.inputs[0])[1:3] == (a["kernel_h"], a["kernel_w"]) and b.shape(node.outputs[0])[1:3] == (1, 1)
    if whole and not any(attrs["pads"]) and "dilations" not in attrs:
        y = b.node("GlobalAveragePool", [x], name)
    else:
        y = b.node("AveragePool", [x], name, count_include_pad=a["include_pad"], **attrs)
    b.write(node, y, NCHW, a["lo"], a["hi"])


def max_pool2d(b: Build, node: Node) -> None:
    y = b.node("MaxPool", [b.real(node.inputs[0], NCHW)], f"{node.outputs[0]}/real", **_window(node))
    b.write(node, y, NCHW, node.attrs["lo"], node.attrs["hi"])


def reduce(b: Build, node: Node) -> None:
    a, shape, target = node.attrs, b.shape(node.inputs[0]), b.shape(node.outputs[0])
    layout = b.layout(node.inputs[0])
    axes = [j for j, axis in enumerate(layout) if a["axes"] >> axis & 1]
    if a["kind"] in (_SUM, _MEAN):
        count = int(np.prod([shape[layout[j]] for j in axes])) if a["kind"] == _MEAN else 1
        ratio = b.affine(node.inputs[0])[0] / b.affine(node.outputs[0])[0] / count
        b.same_scale(float(factor(a["m"], a["n"])), ratio, "its factor")
    dropped = len(target) != len(shape)
    x, name = b.real(node.inputs[0], layout), f"{node.outputs[0]}/real"
    if a["kind"] == _MEAN and layout == NCHW and axes == [2, 3]:
        y = b.node("GlobalAveragePool", [x], name)  # engines have it in int8, ReduceMean seldom
        y = b.reshaped(y, (shape[0], shape[3])) if dropped else y
    else:
        names = b.constant(np.array(axes, np.int64), f"{node.outputs[0]}/axes")
        y = b.node(_OPS[a["kind"]], [x, names], name, keepdims=int(not dropped))
    kept = [axis for axis in layout if not a["axes"] >> axis & 1]
    b.write(node, y, tuple(sorted(kept).index(axis) for axis in kept) if dropped else layout)


RULES = {"avg_pool2d_s8": avg_pool2d, "max_pool2d_s8": max_pool2d, "reduce_s8": reduce}
