"""Shapes and types of the inputs of an ONNX graph: what the file says, what --shape says, and what is still open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from onnx import TensorProto

from edgeq_host.errors import ModelError
from edgeq_host.importers.common import MAX_ELEMENTS, Refusal, given_shape
from edgeq_host.importers.onnx_ops.source import Source

DTYPES = {1: "f32", 10: "f32", 11: "f32", 16: "f32", 6: "s32", 3: "s8", 2: "u8"}


@dataclass(frozen=True)
class Open:
    """An input whose shape the file leaves open. flag: what fixes it, with N for what only the user knows."""

    name: str
    reason: str
    flag: str


def open_inputs(source: Source) -> list[Open]:
    return [found for name in source.inputs if isinstance(found := _shape(source, name), Open)]


def open_error(source: Source, found: Sequence[Open]) -> ModelError:
    """Names every open input and gives all flags at once."""
    names = "; ".join(f"the input '{o.name}' of {source.path} {o.reason}" for o in found)
    return ModelError(names, f"give {'it' if len(found) == 1 else 'them'}: {' '.join(o.flag for o in found)}")


def input_shape(source: Source, name: str) -> tuple[int, ...]:
    """The shape of an input: --shape, else the file's, where an unknown first dimension (the batch) is 1."""
    found = _shape(source, name)
    if isinstance(found, Open):
        raise open_error(source, [found])
    return found


def _shape(source: Source, name: str) -> tuple[int, ...] | Open:
    if name in source.options.shapes:
        return given_shape(name, source.options.shapes[name], stated_shape(source, name))
    info = source.infos.get(name)
    if info is None or not info.type.tensor_type.HasField("shape"):
        return Open(name, "has no shape in the file", f"--shape {name}=1,3,224,224")
    dims = info.type.tensor_type.shape.dim
    if any(d.HasField("dim_value") and d.dim_value < 1 for d in dims):
        raise ModelError(f"the input '{name}' of {source.path} is empty: its shape is {[d.dim_value for d in dims]}", "export it again")
    batch = dims[0].dim_param if dims and not dims[0].HasField("dim_value") else None
    found = [d.dim_value if d.HasField("dim_value") else 1 if i == 0 or (batch and d.dim_param == batch) else 0 for i, d in enumerate(dims)]
    if any(d < 1 for d in found) or (len(dims) == 1 and batch is not None):
        shown = ",".join(str(d.dim_value) if d.HasField("dim_value") else d.dim_param or "?" for d in dims)
        example = ",".join(str(d) if d > 0 else "N" for d in found)
        return Open(name, f"has the shape [{shown}], which is not fixed", f"--shape {name}={example}")
    if math.prod(found) > MAX_ELEMENTS:
        raise ModelError(f"the input '{name}' of {source.path} has the shape {found}, more than {MAX_ELEMENTS} elements", "export it again")
    return tuple(found)


def stated_shape(source: Source, name: str) -> list[int | None] | None:
    """What the file says: None for an open dimension, or where it says nothing."""
    info = source.infos.get(name)
    if info is None or not info.type.tensor_type.HasField("shape"):
        return None
    return [d.dim_value if d.HasField("dim_value") else None for d in info.type.tensor_type.shape.dim]


def overridden(source: Source) -> list[str]:
    """Inputs whose shape the file fixes and --shape changes."""
    pairs = ((name, zip(stated_shape(source, name) or (), given, strict=False)) for name, given in source.options.shapes.items())
    return [name for name, dims in pairs if any(d is not None and d != g for d, g in dims)]


def element_type(source: Source, name: str) -> int:
    info = source.infos.get(name)
    kind = info.type.tensor_type.elem_type if info is not None else 0
    return kind or TensorProto.FLOAT


def input_dtype(source: Source, name: str) -> str:
    kind = element_type(source, name)
    if kind not in DTYPES:
        shown = TensorProto.DataType.Name(kind) if kind in TensorProto.DataType.values() else str(kind)
        raise Refusal(f"is of type {shown}", "float32, int32, int8 and uint8 are possible")
    return DTYPES[kind]
