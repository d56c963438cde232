"""Arrays that are handed over, as flat bytes: numpy's, or anything with the buffer interface. Python 3.6, numpy where it is there."""

from collections import namedtuple
from typing import Any, Tuple

from edgeq_runtime.abi import STATUS_ARGUMENT, Error

try:
    import numpy as numpy  # native uses it too
except ImportError:  # the runtime works with buffers alone
    numpy = None  # type: ignore[assignment]

# qtypes.def: id -> name, numpy's name, format of the struct module
TYPES = {
    1: ("f32", "float32", "f"), 2: ("s32", "int32", "i"), 3: ("s8", "int8", "b"), 4: ("u8", "uint8", "B"), 8: ("s16", "int16", "h")
}  # fmt: skip
QUANTIZED = ("s8", "s16")  # whose integers may be handed over as they are, whatever the type of the edge
INNER = {5: "s4", 6: "s2", 7: "b1"}  # types that only tensors inside have

Edge = namedtuple("Edge", "name shape dtype bytes scale zero inner inner_bytes tensor")  # inner: type of the tensor inside


def type_name(kind: int) -> str:
    """Of a tensor."""
    return TYPES[kind][0] if kind in TYPES else INNER[kind]


def type_row(name: str) -> Tuple[int, str, Any]:
    """Id, numpy's name and format of a type by its name."""
    return next((kind, row[1], row[2]) for kind, row in TYPES.items() if row[0] == name)


def _misfit(edge: Edge, model: str, found: str) -> Error:
    wanted = [type_row(kind)[1] for kind in [edge.dtype] + [edge.inner] * (edge.inner in QUANTIZED and edge.inner != edge.dtype)]
    text = "{}: input {} is {}, expected {} {}, {} bytes as {}"
    return Error(STATUS_ARGUMENT, text.format(model, edge.name, found, " or ".join(wanted), edge.shape, edge.bytes, wanted[0]))


def input_buffer(value: Any, edge: Edge, model: str) -> Tuple[int, memoryview]:
    """The type id and the flat bytes of an input; C order where it has one axis. bytes and bytearray are taken as the edge's own type."""
    if isinstance(value, (list, tuple, str)) or value is None:
        raise _misfit(edge, model, "a {}, not an array".format(type(value).__name__))
    if numpy is not None and not isinstance(value, (bytes, bytearray, memoryview)):
        value = numpy.ascontiguousarray(value) if numpy.ndim(value) else numpy.asarray(value)
    try:
        view = memoryview(value)
    except (TypeError, ValueError):  # ValueError: a date
        raise _misfit(edge, model, "a {} that cannot be read as bytes".format(type(value).__name__)) from None
    kind, _, code = type_row(edge.dtype)
    if isinstance(value, (bytes, bytearray)):
        if view.nbytes != edge.bytes:
            raise _misfit(edge, model, "{} bytes".format(view.nbytes))
        return kind, view
    codes = {code: kind}
    if edge.inner in QUANTIZED:
        inner, _, inner_code = type_row(edge.inner)
        codes[inner_code] = inner
    if view.format not in codes or not _fits(view, edge):
        found = str(getattr(value, "dtype", "")) or "of format {!r}".format(view.format)
        raise _misfit(edge, model, "{} {}".format(found, view.shape))
    return codes[view.format], view.cast("B") if view.ndim and view.c_contiguous else memoryview(view.tobytes())


def _fits(view: memoryview, edge: Edge) -> bool:
    """The shape of the edge, or all of its values one after the other, as array.array holds them."""
    count = 1
    for size in edge.shape:
        count *= size
    return view.shape in (edge.shape, (count,))
