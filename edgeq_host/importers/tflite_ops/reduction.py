"""Operators that turn axes into one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgeq_host.importers.common import Refusal
from edgeq_host.importers.tflite_ops.context import Run, Step

SUM, MEAN, MAX, MIN, PROD = range(5)  # kinds of reduce_f32, SPEC.md 2.3
_INTEGERS: dict[int, Callable[..., Any]] = {SUM: np.sum, MAX: np.max, MIN: np.min, PROD: np.prod}


def reduce(kind: int) -> Run:
    def rule(step: Step) -> None:
        x = step.input(0)
        axes = {step.axis(a, len(x.shape)) for a in step.ints(1)}
        keep = bool(step.options["KeepDims"])
        if x.data is not None and x.quant is None and x.data.dtype.kind in "iu" and x.data.size:
            if kind not in _INTEGERS:
                raise Refusal("the mean of constant integers")
            step.fold(np.asarray(_INTEGERS[kind](x.data, axis=tuple(axes), keepdims=keep), x.data.dtype))
            return
        x = step.real(0)
        shape = [1 if i in axes else d for i, d in enumerate(x.shape) if keep or i not in axes]
        if axes:
            step.emit("reduce_f32", [x], shape, {"kind": kind, "axes": sum(1 << a for a in axes)})
        else:
            step.emit("reshape", [x], shape)

    return rule
