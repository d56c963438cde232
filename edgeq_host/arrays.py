"""Arrays for the inputs of an opened model, from .npy and image files, and its outputs into .npy files."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from edgeq_host.archive import reason
from edgeq_host.errors import ModelError, UsageError
from edgeq_host.export import write_file
from edgeq_host.graph import Array
from edgeq_host.npy import read_header
from edgeq_host.recipe import IMAGE_SUFFIXES, Recipe
from edgeq_runtime.buffers import QUANTIZED


class Input(Protocol):
    """What is needed of a model's input; the graph's edges and those of an opened file have it."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> str: ...


class Edge(Input, Protocol):
    """What is needed of an opened model's input. inner: type of the tensor inside, which has scale and zero."""

    @property
    def inner(self) -> str: ...


NAMES = {"f32": "float32", "s32": "int32", "s16": "int16", "s8": "int8", "u8": "uint8"}


def read_inputs(paths: Sequence[Path], edges: Sequence[Edge], recipe: Callable[[], Recipe]) -> list[Array]:
    """The arrays in the shapes and types of the model's inputs; a missing batch axis of 1 is added. ModelError where they do not fit.

    recipe: asked for only where a path is an image.
    """
    if len(paths) != len(edges):
        names = ", ".join(e.name for e in edges)
        raise UsageError(f"{len(paths)} inputs given, the model takes {len(edges)}: {names}", "give --input once per input, in this order")
    return [_fit(_read(path, edge, recipe), edge) for path, edge in zip(paths, edges, strict=True)]


def _read(path: Path, edge: Edge, recipe: Callable[[], Recipe]) -> Array:
    if path.suffix.lower() not in IMAGE_SUFFIXES or not path.is_file():
        return _load(path)
    from edgeq_host.images import image_reader  # what reads images takes long to import

    return image_reader(edge.name, tuple(edge.shape), edge.dtype, recipe())(path)


def _load(path: Path) -> Array:
    """The array in a .npy file; nothing is unpickled."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", "give the path of a .npy file") from error
    if raw.startswith(b"PK"):
        raise ModelError(f"{path} is an archive, such as an .npz", "give one .npy per input")
    if not raw.startswith(np.lib.format.MAGIC_PREFIX):
        raise ModelError(f"{path} is no .npy file", f"save an array with numpy.save, or give an image ({', '.join(IMAGE_SUFFIXES)})")
    try:
        header = read_header(io.BytesIO(raw), len(raw))
        order: Literal["F", "C"] = "F" if header.fortran else "C"
        return np.ndarray(header.shape, header.dtype, raw, len(header.raw), order=order).copy()
    except ValueError as error:
        raise ModelError(f"{path} is not a readable .npy: {reason(error)}", "save numbers with numpy.save") from error


def quantized(edge: Any, dtype: np.dtype[Any]) -> bool:
    """Whether values of this type pass as they are: int8 or int16, where an opened model has such a tensor behind another edge."""
    inner = getattr(edge, "inner", "")
    return inner in QUANTIZED and inner != edge.dtype and dtype == np.dtype(NAMES[inner])


def in_edge_type(edge: Any, values: Array) -> Array:
    """Quantized integers as what the edge takes otherwise: the real values, or uint8."""
    if not quantized(edge, values.dtype):
        return values
    if edge.dtype == "u8":
        return (values.astype(np.int16) + 128).astype(np.uint8)
    return (values.astype(np.float32) - np.float32(edge.zero)) * np.float32(edge.scale)


def takes(edge: Any) -> str:
    """The types of an edge, for an error."""
    inner = NAMES[edge.inner] if getattr(edge, "inner", "") in QUANTIZED else ""
    return NAMES[edge.dtype] + (f" or, quantized already, {inner}" if inner and quantized(edge, np.dtype(inner)) else "")


def _fit(array: Array, edge: Edge) -> Array:
    shape = tuple(edge.shape)
    if array.shape != shape and (1, *array.shape) != shape:
        hint = "give the layout of the source model: transpose where the axes are in another order"
        raise ModelError(f"input {edge.name} has shape {list(array.shape)}, the model takes {list(shape)}", hint)
    wanted = np.dtype(NAMES[edge.dtype])
    if quantized(edge, array.dtype):
        return np.ascontiguousarray(array.reshape(shape))
    if array.dtype != wanted and not (wanted.kind == "f" and array.dtype.kind == "f"):
        raise ModelError(f"input {edge.name} is {array.dtype}, the model takes {takes(edge)}", "give real values in that type")
    return np.ascontiguousarray(array.reshape(shape), wanted)


def save_arrays(paths: Sequence[Path], arrays: Sequence[Array]) -> None:
    """Each array to its .npy, whole or not at all. UsageError where there are more paths than arrays."""
    if len(paths) > len(arrays):
        raise UsageError(f"{len(paths)} output files, the model has {len(arrays)} outputs", "give -o at most once per output")
    for path, array in zip(paths, arrays, strict=False):
        buffer = io.BytesIO()
        np.save(buffer, array)
        write_file(path, buffer.getvalue())
