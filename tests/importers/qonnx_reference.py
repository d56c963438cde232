"""QONNX models evaluated by onnx.reference: the operators of QONNX as its documents define them, written for the tests alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from edgeq_host.graph import Array

DOMAINS = ("onnx.brevitas", "qonnx.custom_op.general", "finn.custom_op.general")


def _nearest(tie: Any) -> Any:
    return lambda v: np.where(np.abs(v - np.trunc(v)) == 0.5, tie(v), np.rint(v))


def _away(v: Array) -> Array:
    return np.where(v < 0, np.floor(v), np.ceil(v))


ROUNDING = {
    "ROUND": np.rint,
    "HALF_EVEN": np.rint,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "UP": _away,
    "DOWN": np.trunc,
    "HALF_UP": _nearest(_away),
    "HALF_DOWN": _nearest(np.trunc),
}


def quantized(x: Array, scale: Array, zero: Array, bits: int, signed: bool, narrow: bool, mode: str) -> Array:
    """The integers, as float32."""
    low = (-(2 ** (bits - 1)) + narrow) if signed else 0
    high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
    y = np.clip(np.asarray(x, np.float32) / np.asarray(scale, np.float32) + np.asarray(zero, np.float32), low, high)
    return np.asarray(ROUNDING[mode.upper()](y), np.float32)


def _quant(x: Array, scale: Array, zero: Array, bits: Array, signed: int, narrow: int, mode: str) -> Array:
    if int(bits) == 1 and signed:
        return np.asarray(np.where(x / scale + zero >= 0, 1, -1) * np.asarray(scale, np.float32), np.float32)
    q = quantized(x, scale, zero, int(bits), bool(signed), bool(narrow), mode)
    return np.asarray((q - np.asarray(zero, np.float32)) * np.asarray(scale, np.float32), np.float32)


def _operators(domain: str) -> list[type[OpRun]]:
    class Quant(OpRun):  # type: ignore[misc]
        op_domain = domain

        def _run(
            self, x: Array, scale: Array, zero: Array, bits: Array, signed: int = 1, narrow: int = 0, rounding_mode: str = "ROUND"
        ) -> Any:
            return (_quant(x, scale, zero, bits, signed, narrow, rounding_mode),)

    class IntQuant(Quant):
        op_domain = domain

    class BipolarQuant(OpRun):  # type: ignore[misc]
        op_domain = domain

        def _run(self, x: Array, scale: Array) -> Any:
            return (np.asarray(np.where(x >= 0, np.float32(1), np.float32(-1)) * scale, np.float32),)

    return [Quant, IntQuant, BipolarQuant]


class BatchNormalization(OpRun):  # type: ignore[misc]
    """At inference, as ONNX defines it. Before opset 14 onnx.reference mixes the statistics of the batch into it, as training does."""

    def _run(self, x: Array, scale: Array, bias: Array, mean: Array, variance: Array, epsilon: float = 1e-5, **_: Any) -> Any:
        shape = (-1, *[1] * (x.ndim - 2))
        scale, bias, mean, variance = (v.reshape(shape) for v in (scale, bias, mean, variance))
        return (np.asarray(scale * (x - mean) / np.sqrt(variance + np.float32(epsilon)) + bias, np.float32),)


def evaluator(model: onnx.ModelProto, without: tuple[type[OpRun], ...] = ()) -> ReferenceEvaluator:
    """Exporters leave the domains out of the model's list of operator sets, which onnx.reference insists on. without: of the operators
    here, those for which its own are taken."""
    given = onnx.ModelProto.FromString(model.SerializeToString())
    known = {o.domain for o in given.opset_import}
    given.opset_import.extend(helper.make_opsetid(d, 1) for d in DOMAINS if d not in known)
    own = [BatchNormalization, *(op for d in DOMAINS for op in _operators(d))]
    return ReferenceEvaluator(given, new_ops=[op for op in own if op not in without])


def evaluate(model: onnx.ModelProto, inputs: dict[str, Array]) -> list[Array]:
    return [np.asarray(v) for v in evaluator(model).run(None, inputs)]
