"""What the weights of a layer take in a file, beside what they would take in int8."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgeq_host.export import eqm_generated as eqm
from edgeq_runtime import lists
from edgeq_runtime.rounding import BYTES_PER_CHANNEL

_WITH_MORE = 2  # inputs behind the weights: channel parameters, and what says how the weights count
_LAYERS = ("conv2d", "depthwise_conv2d", "transpose_conv2d", "fully_connected")


@dataclass(frozen=True)
class Stored:
    """bits: of a weight. nested: "both" or "high", the planes of nested weights that the layer reads; empty: none. bytes: of the weights
    and of all that scales them. of_int8: these, over those of int8."""

    bits: int
    nested: str
    bytes: int
    of_int8: float


def stored(model: eqm.ModelT, variant: eqm.VariantT) -> list[Stored | None]:
    """Of every operator; None where it has no weights."""
    names = {op.id: op.name for op in lists.ops().values()}
    return [_of(model, variant, o) if names[o.op].rpartition("_")[0] in _LAYERS else None for o in variant.operators]


def _of(model: eqm.ModelT, variant: eqm.VariantT, operator: eqm.OperatorT) -> Stored | None:
    types = {t.id: t for t in lists.qtypes().values()}
    weight, *others = (variant.tensors[i] for i in operator.inputs[1:])
    if any(t.buffer < 0 for t in (weight, *others)):
        return None
    planes = [t for t in (weight, *others) if t.type == weight.type and list(t.shape) == list(weight.shape)]
    size = sum(len(model.buffers[t.buffer].data) for t in (weight, *others))
    channels = int(variant.tensors[operator.outputs[0]].shape[-1])
    int8 = math.prod(int(d) for d in weight.shape) + BYTES_PER_CHANNEL * channels
    high = len(others) == _WITH_MORE and types[others[-1].type].name == "s32"
    return Stored(sum(types[t.type].bits for t in planes), "both" if len(planes) > 1 else "high" if high else "", size, size / int8)
