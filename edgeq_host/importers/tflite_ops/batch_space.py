"""SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: around a convolution they are its dilation; elsewhere they move elements."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from edgeq_host.errors import ModelError
from edgeq_host.graph import Tensor
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.tflite_file import FileModel, FileOperator
from edgeq_host.importers.tflite_ops.constants import constant
from edgeq_host.importers.tflite_ops.context import Step
from edgeq_host.importers.tflite_ops.window import PADS, SAME

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def fold_dilations(model: FileModel) -> FileModel:
    """Space to batch, a convolution of stride 1, batch to space are one dilated convolution with the margins as padding."""
    readers: dict[int, list[FileOperator]] = {}
    for op in model.operators:
        for t in op.inputs:
            readers.setdefault(t, []).append(op)
    replaced: dict[int, FileOperator | None] = {}
    for first, conv, last in _triples(model, readers):
        folded = _dilated(model, first, conv, last)
        if folded is not None:
            replaced |= {first.index: None, conv.index: None, last.index: folded}
    kept = (replaced.get(op.index, op) for op in model.operators)
    return replace(model, operators=[op for op in kept if op is not None])


def _triples(model: FileModel, readers: dict[int, list[FileOperator]]) -> Iterator[tuple[FileOperator, FileOperator, FileOperator]]:
    def only_reader(op: FileOperator) -> FileOperator | None:
        if len(op.outputs) != 1 or op.outputs[0] in model.outputs:
            return None
        found = readers.get(op.outputs[0], [])
        return found[0] if len(found) == 1 and found[0].inputs[:1] == op.outputs else None

    for first in model.operators:
        conv = only_reader(first) if first.code == "SPACE_TO_BATCH_ND" else None
        last = only_reader(conv) if conv is not None and conv.code in _CONVOLUTIONS else None
        if conv is not None and last is not None and last.code == "BATCH_TO_SPACE_ND":
            yield first, conv, last


def _dilated(model: FileModel, first: FileOperator, conv: FileOperator, last: FileOperator) -> FileOperator | None:
    """None where it is not simply a dilation; then the three stay what they are."""
    options = conv.options
    if {options["StrideH"], options["StrideW"], options["DilationHFactor"], options["DilationWFactor"]} != {1}:
        return None
    numbers = [_numbers(model, op, k, n) for op, k, n in ((first, 1, 2), (first, 2, 4), (last, 1, 2), (last, 2, 4))]
    if not all(numbers) or numbers[0] != numbers[2] or min(numbers[0]) < 1 or len(conv.inputs) < 2 or conv.inputs[1] < 0:
        return None
    (dh, dw), (mt, mb, ml, mr), _, (ct, cb, cl, cr) = numbers
    kernel = model.tensors[conv.inputs[1]].shape
    if len(kernel) != 4:
        return None
    inner = [(k - 1, (k - 1) // 2) if options["Padding"] == SAME else (0, 0) for k in kernel[1:3]]  # in all, before
    (all_h, before_h), (all_w, before_w) = inner
    pads = (mt + dh * before_h - ct, ml + dw * before_w - cl, mb + dh * (all_h - before_h) - cb, mr + dw * (all_w - before_w) - cr)
    if min(pads) < 0:
        return None
    dilated = {**options, "DilationHFactor": dh, "DilationWFactor": dw, PADS: pads}
    return FileOperator(conv.index, conv.code, (first.inputs[0], *conv.inputs[1:]), last.outputs, dilated)


def _numbers(model: FileModel, op: FileOperator, k: int, count: int) -> list[int]:
    """The constant integers of input k; nothing where they are not constant or not that many."""
    if k >= len(op.inputs) or op.inputs[k] < 0 or model.tensors[op.inputs[k]].data is None:
        return []
    try:
        values, _ = constant(model.tensors[op.inputs[k]])
    except (ModelError, Refusal):
        return []  # the rule of the operator says it
    return [int(v) for v in values.reshape(-1)] if values.size == count and values.dtype.kind in "iu" else []


def _blocks(step: Step, x: Tensor) -> tuple[list[int], list[int], list[int]]:
    """Block sizes and the two lists of margins, one entry per spatial axis."""
    block, margins = step.ints(1), step.ints(2)
    if len(x.shape) not in (3, 4) or not 1 <= len(block) <= 2 or len(block) > len(x.shape) - 1:
        raise Refusal(f"blocks {block} of {list(x.shape)}; expected one or two spatial axes")
    if len(margins) != 2 * len(block) or any(b < 1 for b in block) or any(m < 0 for m in margins):
        raise Refusal(f"blocks {block} with margins {margins}")
    return block, margins[0::2], margins[1::2]


def space_to_batch(step: Step) -> None:
    x = step.input(0)
    block, before, after = _blocks(step, x)
    rest = list(x.shape[1 + len(block) :])
    sizes = [b + d + a for b, d, a in zip(before, x.shape[1:], after, strict=False)]
    if any(s % b for s, b in zip(sizes, block, strict=True)):
        raise Refusal(f"blocks {block} do not divide {sizes}")
    tail = [0] * len(rest)
    x = step.add("pad", [x], [x.shape[0], *sizes, *rest], {"mode": 0, "before": [0, *before, *tail], "after": [0, *after, *tail]})
    parts = [n for s, b in zip(sizes, block, strict=True) for n in (s // b, b)]
    x = step.add("reshape", [x], [x.shape[0], *parts, math.prod(rest)])
    perm = [*range(2, 2 * len(block) + 1, 2), 0, *range(1, 2 * len(block) + 1, 2), 2 * len(block) + 1]
    x = step.add("transpose", [x], [x.shape[i] for i in perm], {"perm": perm})
    step.emit("reshape", [x], [math.prod(x.shape[: len(block) + 1]), *(s // b for s, b in zip(sizes, block, strict=True)), *rest])


def batch_to_space(step: Step) -> None:
    x = step.input(0)
    block, before, after = _blocks(step, x)
    batch, rest = x.shape[0] // math.prod(block), list(x.shape[1 + len(block) :])
    if x.shape[0] % math.prod(block):
        raise Refusal(f"blocks {block} do not divide a batch of {x.shape[0]}")
    spatial = list(x.shape[1 : 1 + len(block)])
    x = step.add("reshape", [x], [*block, batch, *spatial, math.prod(rest)])
    count = len(block)
    perm = [count, *(n for i in range(count) for n in (count + 1 + i, i)), 2 * count + 1]
    x = step.add("transpose", [x], [x.shape[i] for i in perm], {"perm": perm})
    whole = [s * b for s, b in zip(spatial, block, strict=True)]
    x = step.add("reshape", [x], [batch, *whole, *rest])
    kept = [w - b - a for w, b, a in zip(whole, before, after, strict=True)]
    step.emit("slice", [x], [batch, *kept, *rest], {"begin": [0, *before]})
