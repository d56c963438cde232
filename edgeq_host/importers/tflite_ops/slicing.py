"""Operators that take parts of a tensor or put a margin around it."""

from __future__ import annotations

import struct

import numpy as np

from edgeq_host.graph import Attrs, Tensor
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.tflite_ops.context import Step

CONSTANT, REFLECT = 0, 1  # modes of pad, SPEC.md 2.2
SYMMETRIC = 1  # MirrorPadMode


def _cut(step: Step, x: Tensor, axis: int, begin: int, size: int, k: int) -> None:
    shape = [size if i == axis else d for i, d in enumerate(x.shape)]
    step.emit("slice", [x], shape, {"begin": [begin if i == axis else 0 for i in range(len(shape))]}, k=k)


def split(step: Step) -> None:
    x, axis = step.input(1), step.axis(_one(step, 0), len(step.input(1).shape))
    size, rest = divmod(x.shape[axis], len(step.op.outputs))
    if rest:
        raise Refusal(f"{len(step.op.outputs)} equal parts of {x.shape[axis]}")
    for k in range(len(step.op.outputs)):
        _cut(step, x, axis, k * size, size, k)


def split_v(step: Step) -> None:
    x, sizes, axis = step.input(0), step.ints(1), step.axis(_one(step, 2), len(step.input(0).shape))
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = x.shape[axis] - sum(sizes) - 1
    if sum(sizes) != x.shape[axis] or min(sizes, default=-1) < 0 or len(sizes) != len(step.op.outputs):
        raise Refusal(f"parts of {sizes} from {x.shape[axis]}")
    for k, size in enumerate(sizes):
        _cut(step, x, axis, sum(sizes[:k]), size, k)


def _one(step: Step, k: int) -> int:
    values = step.ints(k)
    if len(values) != 1:
        raise Refusal(f"axes {values}; expected one")
    return values[0]


def slice_(step: Step) -> None:
    x, begin, size = step.input(0), step.ints(1), step.ints(2)
    if len(begin) != len(x.shape) or len(size) != len(x.shape):
        raise Refusal(f"begin {begin} and size {size} for {len(x.shape)} axes")
    shape = [d - b if s == -1 else s for d, b, s in zip(x.shape, begin, size, strict=True)]
    if any(b < 0 or b + s > d for d, b, s in zip(x.shape, begin, shape, strict=True)):
        raise Refusal(f"begin {begin} and size {size} reach out of {list(x.shape)}")
    step.emit("slice", [x], shape, {"begin": begin})


def strided_slice(step: Step) -> None:
    x = step.input(0)
    spec = _Spec(step, x.shape)
    part = [len(r) for r in spec.ranges]
    attrs: Attrs = {"begin": [r.start for r in spec.ranges], "step": [r.step for r in spec.ranges]}
    if spec.shape == part:
        step.emit("slice", [x], part, attrs)
    else:
        step.emit("reshape", [step.add("slice", [x], part, attrs)], spec.shape)


class _Spec:
    """begin, end, step and five masks of STRIDED_SLICE as one range per axis of the input, and the shape of the output."""

    def __init__(self, step: Step, dims: tuple[int, ...]) -> None:
        begin, end, stride = (step.ints(k) for k in (1, 2, 3))
        options = step.options
        if not len(begin) == len(end) == len(stride):
            raise Refusal(f"begin {begin}, end {end} and strides {stride} differ in length")
        if options["Offset"]:
            end = [b + e for b, e in zip(begin, end, strict=True)]
        self.dims, self.ranges, self.shape = dims, list[range](), list[int]()
        new_axes = sum(bool(options["NewAxisMask"] >> i & 1) for i in range(len(begin)) if not options["EllipsisMask"] >> i & 1)
        for i in range(len(begin)):
            flags = {name: bool(options[name + "Mask"] >> i & 1) for name in ("Begin", "End", "Ellipsis", "NewAxis", "ShrinkAxis")}
            if flags["Ellipsis"]:
                self._whole(len(dims) - (len(begin) - new_axes - 1))
            elif flags["NewAxis"]:
                self.shape.append(1)
            else:
                self._axis(begin[i], end[i], stride[i], flags)
        self._whole(len(dims) - len(self.ranges))

    def _whole(self, count: int) -> None:
        for _ in range(count):
            self._axis(0, 0, 1, {"Begin": True, "End": True, "ShrinkAxis": False})

    def _axis(self, begin: int, end: int, stride: int, flags: dict[str, bool]) -> None:
        if len(self.ranges) == len(self.dims):
            raise Refusal(f"it names more axes than {list(self.dims)} has")
        size = self.dims[len(self.ranges)]
        if stride == 0:
            raise Refusal("a step of 0")
        if flags["ShrinkAxis"]:
            place = begin + size if begin < 0 else begin
            if not 0 <= place < size:
                raise Refusal(f"place {begin} of an axis of {size}")
            self.ranges.append(range(place, place + 1))
            return
        found = range(*slice(None if flags["Begin"] else begin, None if flags["End"] else end, stride).indices(size))
        self.ranges.append(found)
        self.shape.append(len(found))


def pad(step: Step) -> None:
    x = step.input(0)
    before, after, shape = _margins(step, x)
    value = 0
    if step.has(2):
        given = step.input(2)
        if given.data is None or given.data.size != 1:
            raise Refusal("its value is not one constant")
        number = given.real().reshape(()) if x.dtype == "f32" or x.quant is not None else given.data.reshape(())
        value = _bits(number, x.dtype == "f32" or x.quant is not None)
    step.emit("pad", [x], shape, {"mode": CONSTANT, "value": value, "before": before, "after": after})


def _bits(number: np.generic | np.ndarray[tuple[int, ...], np.dtype[np.generic]], real: bool) -> int:
    if real:
        return int(struct.unpack("<i", struct.pack("<f", float(number)))[0])
    return int(number) % 2**32 - (2**32 if int(number) % 2**32 >= 2**31 else 0)


def _margins(step: Step, x: Tensor) -> tuple[list[int], list[int], list[int]]:
    pads = step.ints(1)
    if len(pads) != 2 * len(x.shape) or any(p < 0 for p in pads):
        raise Refusal(f"margins {pads} for {len(x.shape)} axes; expected two of at least 0 each")
    before, after = pads[0::2], pads[1::2]
    return before, after, [b + d + a for b, d, a in zip(before, x.shape, after, strict=True)]


def mirror_pad(step: Step) -> None:
    x = step.input(0)
    before, after, shape = _margins(step, x)
    symmetric = step.options["Mode"] == SYMMETRIC
    if any(max(b, a) > d - (not symmetric) for b, a, d in zip(before, after, x.shape, strict=True)):
        raise Refusal(f"margins {before} and {after} mirror more than there is in {list(x.shape)}")
    if not symmetric:
        step.emit("pad", [x], shape, {"mode": REFLECT, "before": before, "after": after})
        return
    for axis in range(len(x.shape)):
        if before[axis] or after[axis]:
            x = _mirrored(step, x, axis, before[axis], after[axis])
    step.emit("reshape", [x], shape)


def _mirrored(step: Step, x: Tensor, axis: int, before: int, after: int) -> Tensor:
    """Symmetric: the edge itself is repeated, which pad does not have."""
    size = x.shape[axis]
    parts = [_reversed(step, x, axis, before - 1, before), x, _reversed(step, x, axis, size - 1, after)]
    shape = [before + d + after if i == axis else d for i, d in enumerate(x.shape)]
    return step.add("concat", [p for p in parts if p is not None], shape, {"axis": axis})


def _reversed(step: Step, x: Tensor, axis: int, begin: int, count: int) -> Tensor | None:
    if not count:
        return None
    shape = [count if i == axis else d for i, d in enumerate(x.shape)]
    places = range(len(shape))
    return step.add("slice", [x], shape, {"begin": [begin * (i == axis) for i in places], "step": [-1 if i == axis else 1 for i in places]})
