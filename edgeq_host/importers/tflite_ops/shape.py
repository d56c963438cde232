"""Operators that give the same elements another shape or order, or join them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgeq_host.graph import Tensor
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.tflite_ops.activation import finish
from edgeq_host.importers.tflite_ops.context import Step

CONCAT_LIMIT = 64  # inputs, ops.def


def reshape(step: Step) -> None:
    x = step.input(0)
    shape = _wanted(step, math.prod(x.shape))
    unknown = [i for i, d in enumerate(shape) if d == -1]
    rest = math.prod(d for d in shape if d != -1)
    if len(unknown) == 1 and rest > 0:
        shape[unknown[0]] = math.prod(x.shape) // rest
    if math.prod(shape) != math.prod(x.shape) or any(d < 0 for d in shape):
        raise Refusal(f"{list(x.shape)} to {shape}: another number of elements")
    step.emit("reshape", [x], shape)


def _wanted(step: Step, count: int) -> list[int]:
    """The shape from the input where it is constant, else from the options, else the one that the file gives the output."""
    if step.has(1) and step.input(1).data is not None:
        return step.ints(1)
    declared = list(step.output().shape)
    if step.has(1):
        if math.prod(declared) == count:
            return declared
        return step.ints(1)  # refuses, and says why
    return list(step.options["NewShape"])


def squeeze(step: Step) -> None:
    x = step.input(0)
    axes = {step.axis(a, len(x.shape)) for a in step.options["SqueezeDims"]} or {i for i, d in enumerate(x.shape) if d == 1}
    if any(x.shape[a] != 1 for a in axes):
        raise Refusal(f"it drops axes {sorted(axes)} of {list(x.shape)}; only axes of size 1 can go")
    step.emit("reshape", [x], [d for i, d in enumerate(x.shape) if i not in axes])


def expand_dims(step: Step) -> None:
    x, axes = step.input(0), step.ints(1)
    if len(axes) != 1:
        raise Refusal(f"axes {axes}; expected one")
    axis = step.axis(axes[0], len(x.shape) + 1)
    step.emit("reshape", [x], [*x.shape[:axis], 1, *x.shape[axis:]])


def shape(step: Step) -> None:
    step.fold(np.asarray(step.input(0).shape, np.int64))


def rank(step: Step) -> None:
    step.fold(np.asarray(len(step.input(0).shape), np.int64))


def transpose(step: Step) -> None:
    x = step.input(0)
    perm = [step.axis(a, len(x.shape)) for a in step.ints(1)]
    if sorted(perm) != list(range(len(x.shape))):
        raise Refusal(f"permutation {perm} of {len(x.shape)} axes")
    step.emit("transpose", [x], [x.shape[i] for i in perm], {"perm": perm})


def concatenation(step: Step) -> None:
    parts = step.inputs()
    if not parts:
        raise Refusal("nothing to join")
    join(step, parts, step.axis(step.options["Axis"], len(parts[0].shape)))


def join(step: Step, parts: Sequence[Tensor], axis: int) -> None:
    """Emit the concatenation, in several rounds where there are more parts than a node can have."""
    while len(parts) > CONCAT_LIMIT:
        groups = [parts[i : i + CONCAT_LIMIT] for i in range(0, len(parts), CONCAT_LIMIT)]
        parts = [step.add("concat", g, _joined(g, axis), {"axis": axis}) for g in groups]
    finish(step, "concat", parts, _joined(parts, axis), {"axis": axis})


def _joined(parts: Sequence[Tensor], axis: int) -> list[int]:
    first = parts[0].shape
    for part in parts:
        if len(part.shape) != len(first) or any(a != b for i, (a, b) in enumerate(zip(part.shape, first, strict=True)) if i != axis):
            raise Refusal(f"{list(part.shape)} cannot be joined to {list(first)} along axis {axis}")
        if (part.dtype == "f32" or part.quant is not None) != (parts[0].dtype == "f32" or parts[0].quant is not None):
            raise Refusal("it joins integers and real numbers")
    return [*first[:axis], sum(p.shape[axis] for p in parts), *first[axis + 1 :]]


def pack(step: Step) -> None:
    parts = step.inputs()
    if not parts:
        raise Refusal("nothing to pack")
    axis = step.axis(step.options["Axis"], len(parts[0].shape) + 1)
    join(step, [step.add("reshape", [p], [*p.shape[:axis], 1, *p.shape[axis:]]) for p in parts], axis)


def unpack(step: Step) -> None:
    x = step.input(0)
    axis = step.axis(step.options["Axis"], len(x.shape))
    if x.shape[axis] != len(step.op.outputs):
        raise Refusal(f"{len(step.op.outputs)} outputs from {x.shape[axis]} slices")
    for k in range(x.shape[axis]):
        begin = [k if i == axis else 0 for i in range(len(x.shape))]
        one = step.add("slice", [x], [1 if i == axis else d for i, d in enumerate(x.shape)], {"begin": begin})
        step.emit("reshape", [one], [d for i, d in enumerate(x.shape) if i != axis], k=k)


def broadcast_to(step: Step) -> None:
    x, wanted = step.input(0), step.ints(1)
    if step.broadcast(x.shape, tuple(wanted)) != tuple(wanted):
        raise Refusal(f"{list(x.shape)} does not broadcast to {wanted}")
    step.emit("expand", [x], wanted)
