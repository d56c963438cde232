"""Activations: as operators of their own, and fused behind another operator."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgeq_host.graph import Attrs, Tensor
from edgeq_host.importers.common import Refusal
from edgeq_host.importers.tflite_ops.context import Run, Step
from edgeq_runtime import lists

NONE, TANH = 0, 4
BOUNDS = {NONE: (-math.inf, math.inf), 1: (0.0, math.inf), 2: (-1.0, 1.0), 3: (0.0, 6.0)}  # none, relu, relu_n1_to_1, relu6
FUSED = "FusedActivationFunction"


def finish(step: Step, kind: str, inputs: Sequence[Tensor], shape: Sequence[int], attrs: Attrs | None = None) -> None:
    """Emit the operator and its fused activation: in lo and hi where the operator has them, else as a node behind it."""
    fused = step.options.get(FUSED, NONE)
    attrs = attrs or {}
    if fused == TANH:
        step.emit("tanh_f32", [step.add(kind, inputs, shape, attrs)], shape)
        return
    if fused not in BOUNDS:
        raise Refusal(f"its fused activation {fused} is not one of none, relu, relu6, relu_n1_to_1, tanh")
    lo, hi = saturated(step, *BOUNDS[fused])
    if any(f.name == "lo" for f in lists.ops()[kind].fields):
        step.emit(kind, inputs, shape, {**attrs, "lo": lo, "hi": hi})
    elif fused == NONE:
        step.emit(kind, inputs, shape, attrs)
    else:
        step.emit("clip_f32", [step.add(kind, inputs, shape, attrs)], shape, {"lo": lo, "hi": hi})


def saturated(step: Step, lo: float, hi: float) -> tuple[float, float]:
    """The bounds, narrowed to what the output's 8 bits can hold: files rely on that as an activation (relu6 as the range 0 to 6)."""
    quant = step.quant()
    if quant is None or quant.axis is not None:
        return lo, hi
    low, high = ((q - float(quant.zero[0])) * float(quant.scale[0]) for q in (-128, 127))
    return max(lo, low), min(hi, high)


def clip(lo: float, hi: float) -> Run:
    def rule(step: Step) -> None:
        x = step.real()
        low, high = saturated(step, lo, hi)
        step.emit("clip_f32", [x], x.shape, {"lo": low, "hi": high})

    return rule


def unary(kind: str) -> Run:
    def rule(step: Step) -> None:
        x = step.real()
        step.emit(kind, [x], x.shape)

    return rule


def leaky_relu(step: Step) -> None:
    x = step.real()
    step.emit("leaky_relu_f32", [x], x.shape, {"alpha": step.options["Alpha"]})


def prelu(step: Step) -> None:
    x, alpha = step.real(0), step.real(1)
    if step.broadcast(x.shape, alpha.shape) != x.shape:
        raise Refusal(f"its slopes {list(alpha.shape)} do not broadcast to the input {list(x.shape)}")
    step.emit("prelu_f32", [x, alpha], x.shape)


def softmax(step: Step) -> None:
    x, beta = step.real(), step.options["Beta"]
    if not x.shape:
        raise Refusal("softmax of a scalar")
    if beta != 1.0:
        x = step.add("mul_f32", [x, step.constant(np.asarray([beta], np.float32), "/beta")], x.shape)
    step.emit("softmax_f32", [x], x.shape)
