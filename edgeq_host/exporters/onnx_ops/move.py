"""Operators that move elements."""

from __future__ import annotations

import numpy as np

from edgeq_host.exporters.onnx_build import Build, Refusal, identity
from edgeq_host.graph import Node

_PAD_MODES = ("constant", "reflect", "edge", "wrap")


def reshape(b: Build, node: Node) -> None:
    shape = b.shape(node.outputs[0])
    b.write_stored(node, b.reshaped(b.flat(node.inputs[0]), shape), identity(len(shape)))


def transpose(b: Build, node: Node) -> None:
    """Only the names of the axes change."""
    order = node.attrs["perm"]
    layout = b.layout(node.inputs[0])
    b.write_stored(node, b.stored(node.inputs[0], layout), tuple(order.index(axis) for axis in layout))


def concat(b: Build, node: Node) -> None:
    layout = b.layout(node.inputs[0])
    reals = [b.real(t, layout, *b.parameters(node.outputs[0])) for t in node.inputs]  # SPEC.md: all of one quantization
    y = b.node("Concat", reals, f"{node.outputs[0]}/real", axis=layout.index(node.attrs["axis"]))
    b.write(node, y, layout)


def slice_(b: Build, node: Node) -> None:
    layout, before, after = b.layout(node.inputs[0]), b.shape(node.inputs[0]), b.shape(node.outputs[0])
    begin, step = ([node.attrs[key][axis] for axis in layout] for key in ("begin", "step"))
    # A negative end would count from the back: beyond the first element it is said by one more than the length.
    ends = [e if (e := p + s * after[a]) >= 0 else -before[a] - 1 for a, p, s in zip(layout, begin, step, strict=True)]
    vectors = (begin, ends, list(identity(len(layout))), step)
    names = [
        b.constant(np.array(v, np.int64), f"{node.outputs[0]}/{what}")
        for v, what in zip(vectors, ("begin", "end", "axes", "step"), strict=True)
    ]
    b.write(node, b.node("Slice", [b.real(node.inputs[0], layout), *names], f"{node.outputs[0]}/real"), layout)


def pad(b: Build, node: Node) -> None:
    a, layout, tensor = node.attrs, b.layout(node.inputs[0]), b.graph.tensors[node.inputs[0]]
    counts = b.constant(np.array([a[key][axis] for key in ("before", "after") for axis in layout], np.int64), f"{node.outputs[0]}/pads")
    mode = _PAD_MODES[a["mode"]]
    inputs = [b.real(node.inputs[0], layout), counts]
    if mode == "constant":
        bits = (int(a["value"]) & 0xFFFFFFFF).to_bytes(4, "little")
        if tensor.dtype == "f32":
            value = float(np.frombuffer(bits, np.float32)[0])
        else:
            scale, zero = b.affine(tensor.name)
            value = scale * (int(np.frombuffer(bits, np.int8)[0]) - zero)
        inputs.append(b.scalar(value, np.float32))
    b.write(node, b.node("Pad", inputs, f"{node.outputs[0]}/real", mode=mode), layout)


def expand(b: Build, node: Node) -> None:
    shape, rank = b.shape(node.outputs[0]), len(b.shape(node.inputs[0]))
    layout = b.layout(node.inputs[0]) if rank == len(shape) else identity(len(shape))
    target = b.constant(np.array([shape[a] for a in layout], np.int64), f"{node.outputs[0]}/shape")
    b.write(node, b.node("Expand", [b.real(node.inputs[0], layout), target], f"{node.outputs[0]}/real"), layout)


def cast(b: Build, node: Node) -> None:
    raise Refusal("it changes the type of raw integers, which ONNX says only with other values than uint8")


RULES = {
    "reshape": reshape,
    "transpose": transpose,
    "concat": concat,
    "slice": slice_,
    "pad": pad,
    "expand": expand,
    "cast": cast,
}
