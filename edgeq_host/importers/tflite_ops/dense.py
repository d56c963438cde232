"""Products of matrices."""

from __future__ import annotations

import math

import numpy as np

from edgeq_host.graph import Tensor
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.tflite_ops.activation import finish
from edgeq_host.importers.tflite_ops.context import Step
from edgeq_host.importers.tflite_ops.window import bias, weights


def fully_connected(step: Step) -> None:
    x, w = step.real(0), weights(step, 1, 2)
    outputs, depth = w.shape
    if step.options["WeightsFormat"] != 0:
        raise Refusal("its weights are shuffled for one processor", "convert without that")
    keep = step.options["KeepNumDims"] and len(x.shape) > 0 and x.shape[-1] == depth
    if math.prod(x.shape) % depth:
        raise Refusal(f"an input of {list(x.shape)} does not fit weights {list(w.shape)}")
    rows = x.shape[:-1] if keep else (math.prod(x.shape) // depth,)
    if x.shape != (*rows, depth):
        x = step.add("reshape", [x], (*rows, depth))
    finish(step, "fully_connected_f32", [x, w, bias(step, 2, x, w, outputs)], (*rows, outputs))


def batch_matmul(step: Step) -> None:
    a, b = step.real(0), step.real(1)
    if min(len(a.shape), len(b.shape)) < 2:
        raise Refusal(f"shapes {list(a.shape)} and {list(b.shape)}; expected matrices")
    a = _swapped(step, a) if step.options["AdjX"] else a
    if b.data is not None and len(b.shape) == 2:
        w = b if step.options["AdjY"] else _swapped(step, b)
        _check_depth(a, w.shape[1])
        no_bias = step.constant(np.zeros(w.shape[0], np.float32), "/bias")
        step.emit("fully_connected_f32", [a, w, no_bias], (*a.shape[:-1], w.shape[0]))
        return
    b = _swapped(step, b) if step.options["AdjY"] else b
    _check_depth(a, b.shape[-2])
    batch = step.broadcast(a.shape[:-2], b.shape[:-2])
    step.emit("matmul_f32", [a, b], (*batch, a.shape[-2], b.shape[-1]))


def _check_depth(a: Tensor, depth: int) -> None:
    if a.shape[-1] != depth:
        raise Refusal(f"rows of {a.shape[-1]} meet columns of {depth}")


def _swapped(step: Step, x: Tensor) -> Tensor:
    """The last two axes change places."""
    perm = [*range(len(x.shape) - 2), len(x.shape) - 1, len(x.shape) - 2]
    return step.add("transpose", [x], [x.shape[i] for i in perm], {"perm": perm})
