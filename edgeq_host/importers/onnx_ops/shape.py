"""Operators that move elements without computing: any type."""

from __future__ import annotations

import math

import numpy as np

from edgeq_host.importers.common import Refusal
from edgeq_host.importers.onnx_ops.context import Op
from edgeq_host.importers.onnx_ops.reduce import normalized
from edgeq_host.importers.onnx_ops.values import Act, Const


def integers(op: Op, i: int = 0) -> str:
    """Act.integers of input i: movers hand it on."""
    value = op.value(i)
    return value.integers if isinstance(value, Act) else ""


def to_shape(op: Op, shape: list[int]) -> None:
    if math.prod(shape) != math.prod(op.shape(0)):
        raise Refusal(f"cannot reshape {list(op.shape(0))} to {shape}")
    op.done(op.reshape(op.any(0), shape), integers=integers(op))


def reshape(op: Op) -> None:
    old = op.shape(0)
    shape = op.ints(1, "the shape") if op.has(1) else [int(v) for v in op.need("shape")]
    if not op.attr("allowzero", 0):
        shape = [old[i] if d == 0 and i < len(old) else d for i, d in enumerate(shape)]
    if shape.count(-1) > 1 or any(d < -1 for d in shape):
        raise Refusal(f"the shape {shape} is not valid")
    if -1 in shape:
        known = -math.prod(shape)
        if known == 0 or math.prod(old) % known:
            raise Refusal(f"cannot reshape {list(old)} to {shape}")
        shape[shape.index(-1)] = math.prod(old) // known
    to_shape(op, shape)


def flatten(op: Op) -> None:
    shape, axis = op.shape(0), int(op.attr("axis", 1))
    if not -len(shape) <= axis <= len(shape):
        raise Refusal(f"axis {axis} is out of range for {list(shape)}")
    axis = axis + len(shape) if axis < 0 else axis
    to_shape(op, [math.prod(shape[:axis]), math.prod(shape[axis:])])


def squeeze(op: Op) -> None:
    shape = op.shape(0)
    axes = op.ints(1, "the axes") if op.has(1) else op.attr("axes")
    if axes is None:
        axes = [i for i, d in enumerate(shape) if d == 1]
    axes = normalized(list(axes), len(shape))
    if any(shape[a] != 1 for a in axes):
        raise Refusal(f"axes {axes} of {list(shape)} are not all 1")
    to_shape(op, [d for i, d in enumerate(shape) if i not in axes])


def unsqueeze(op: Op) -> None:
    shape = list(op.shape(0))
    axes = op.ints(1, "the axes") if op.has(1) else list(op.need("axes"))
    for axis in sorted(normalized(axes, len(shape) + len(axes))):
        shape.insert(axis, 1)
    to_shape(op, shape)


def expand(op: Op) -> None:
    shape = np.broadcast_shapes(op.shape(0), tuple(op.ints(1, "the shape")))
    if shape == op.shape(0):
        op.alias()
        return
    x = op.any(0)
    op.done(op.emit("expand", [x], shape, quant=op.moved(x)), integers=integers(op))


def transpose(op: Op) -> None:
    rank = len(op.shape(0))
    perm = [int(p) for p in op.attr("perm") or range(rank - 1, -1, -1)]
    if sorted(perm) != list(range(rank)):
        raise Refusal(f"perm {perm} does not permute {rank} dimensions")
    op.done(op.transpose(op.any(0), perm), integers=integers(op))


def concat(op: Op) -> None:
    rank = len(op.shape(0))
    axis = normalized([int(op.need("axis"))], rank)[0]
    shapes = [list(op.shape(i)) for i in range(op.count)]
    if any(len(s) != rank or s[:axis] + s[axis + 1 :] != shapes[0][:axis] + shapes[0][axis + 1 :] for s in shapes):
        raise Refusal(f"shapes {shapes} do not join along axis {axis}")
    if any(integers(op, i) for i in range(op.count)):
        raise Refusal("joins quantized integers", "dequantize before Concat, or use QLinearConcat")
    names = [op.any(i) for i in range(op.count)]
    if len({op.builder.tensor(n).dtype for n in names}) > 1 and not all(_real(op, n) for n in names):
        raise Refusal("joins tensors of several types")
    op.done(join(op, names, axis))


def _real(op: Op, name: str) -> bool:
    held = op.builder.tensor(name)
    return held.dtype == "f32" or (held.data is not None and held.quant is not None)


def join(op: Op, names: list[str], axis: int) -> str:
    """Concatenation; more operands than one node takes are joined in steps."""
    while len(names) > 64:
        names = [_joined(op, names[i : i + 64], axis, f"part{i}") for i in range(0, len(names), 64)]
    return _joined(op, names, axis, "")


def _joined(op: Op, names: list[str], axis: int, role: str) -> str:
    shape = list(op.builder.shape(names[0]))
    shape[axis] = sum(op.builder.shape(n)[axis] for n in names)
    return op.emit("concat", names, shape, {"axis": axis}, role=role)


def split(op: Op) -> None:
    shape = op.shape(0)
    axis = normalized([int(op.attr("axis", 0))], len(shape))[0]
    sizes = op.ints(1, "the sizes") if op.has(1) else [int(v) for v in op.attr("split") or []]
    parts = len(op.node.output)
    if not sizes:
        each = -(-shape[axis] // parts)
        sizes = [each] * (parts - 1) + [shape[axis] - each * (parts - 1)]
    if len(sizes) != parts or sum(sizes) != shape[axis] or min(sizes) < 1:
        raise Refusal(f"cannot split {shape[axis]} into {sizes} for {parts} outputs")
    x = op.any(0)
    start = 0
    for i, size in enumerate(sizes):
        begin = [start if a == axis else 0 for a in range(len(shape))]
        dims = [size if a == axis else d for a, d in enumerate(shape)]
        y = op.builder.add("slice", [x], dims, op.node.output[i], attrs={"begin": begin}, quant=op.moved(x))
        op.done(y, i, integers=integers(op))
        start += size


def slice_(op: Op) -> None:
    shape = op.shape(0)
    if op.opset < 10:
        starts, ends = list(op.need("starts")), list(op.need("ends"))
        axes, steps = list(op.attr("axes") or range(len(starts))), [1] * len(starts)
    else:
        starts, ends = op.ints(1, "the starts"), op.ints(2, "the ends")
        axes = op.ints(3, "the axes") if op.has(3) else list(range(len(starts)))
        steps = op.ints(4, "the steps") if op.has(4) else [1] * len(starts)
    axes = normalized(axes, len(shape))
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise Refusal(f"starts {starts}, ends {ends}, axes {axes} and steps {steps} do not fit")
    begin, step, dims = [0] * len(shape), [1] * len(shape), list(shape)
    for a, s, e, k in zip(axes, starts, ends, steps, strict=True):
        chosen = range(shape[a])[slice(s, e, k)] if k > 0 else range(*_backwards(s, e, k, shape[a]))
        if not chosen:
            raise Refusal(f"takes nothing from axis {a} of {list(shape)}")
        begin[a], step[a], dims[a] = chosen[0], k, len(chosen)
    step = [k if dims[a] > 1 else 1 for a, k in enumerate(step)]
    x = op.any(0)
    op.done(op.emit("slice", [x], dims, {"begin": begin, "step": step}, quant=op.moved(x)), integers=integers(op))


def _backwards(start: int, end: int, step: int, size: int) -> tuple[int, int, int]:
    """ONNX clamps a backward slice to [0, size - 1] at its start and [-1, size - 1] at its end, after adding size to negatives."""
    start = start + size if start < 0 else start
    end = end + size if end < 0 else end
    return min(max(start, 0), size - 1), min(max(end, -1), size - 1), step


def depth_to_space(op: Op) -> None:
    n, c, h, w = _image(op)
    b = _block(op)
    if c % (b * b):
        raise Refusal(f"{c} channels do not divide by {b} * {b}")
    out = c // (b * b)
    column_row = op.attr("mode", "DCR") == "CRD"
    split_dims = (n, out, b, b, h, w) if column_row else (n, b, b, out, h, w)
    perm = (0, 1, 4, 2, 5, 3) if column_row else (0, 3, 4, 1, 5, 2)
    moved = op.transpose(op.reshape(op.any(0), split_dims, "blocks"), perm, "moved")
    op.done(op.reshape(moved, (n, out, h * b, w * b)), integers=integers(op))


def space_to_depth(op: Op) -> None:
    n, c, h, w = _image(op)
    b = _block(op)
    if h % b or w % b:
        raise Refusal(f"{h} x {w} does not divide into blocks of {b}")
    perm = (0, 1, 3, 5, 2, 4) if op.attr("mode", "DCR") == "CRD" else (0, 3, 5, 1, 2, 4)
    moved = op.transpose(op.reshape(op.any(0), (n, c, h // b, b, w // b, b), "blocks"), perm, "moved")
    op.done(op.reshape(moved, (n, c * b * b, h // b, w // b)), integers=integers(op))


def _image(op: Op) -> tuple[int, int, int, int]:
    shape = op.shape(0)
    if len(shape) != 4:
        raise Refusal(f"needs [N, C, H, W], the input is {list(shape)}")
    return shape[0], shape[1], shape[2], shape[3]


def _block(op: Op) -> int:
    block = int(op.need("blocksize"))
    if block < 1:
        raise Refusal(f"blocksize {block} is below 1")
    return block


def shape_of(op: Op) -> None:
    """Shape: known now, since every dimension is."""
    dims = op.shape(0)
    op.values[op.output] = Const(np.array(dims[slice(op.attr("start", 0), op.attr("end"))], np.int64))


def size_of(op: Op) -> None:
    op.values[op.output] = Const(np.array(math.prod(op.shape(0)), np.int64))
