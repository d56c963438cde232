"""Arrays in .npy files, checked against the edges of a model."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from edgeq_host.errors import ModelError, UsageError
from edgeq_host.export import write_file
from edgeq_host.graph import Array


class Edge(Protocol):
    """What is needed of an opened model's input. scale: 0 where the tensor inside is float."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> str: ...
    @property
    def scale(self) -> float: ...


NAMES = {"f32": "float32", "s32": "int32", "s8": "int8", "u8": "uint8"}


def load_array(path: Path) -> Array:
    """The array in a .npy file; nothing is unpickled."""
    try:
        array = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", "give the path of a .npy file") from error
    except (ValueError, EOFError) as error:
        raise ModelError(f"{path} is not a readable .npy: {error}", "save it with numpy.save") from error
    if not isinstance(array, np.ndarray):
        raise ModelError(f"{path} holds several arrays", "give one .npy per input")
    return array


def as_inputs(arrays: Sequence[Array], edges: Sequence[Edge]) -> list[Array]:
    """The arrays in the shapes and types of the model's inputs; a missing batch axis of 1 is added. ModelError where they do not fit."""
    if len(arrays) != len(edges):
        names = ", ".join(e.name for e in edges)
        raise UsageError(f"{len(arrays)} inputs given, the model takes {len(edges)}: {names}", "give --input once per input, in this order")
    return [_fit(array, edge) for array, edge in zip(arrays, edges, strict=True)]


def _fit(array: Array, edge: Edge) -> Array:
    shape = tuple(edge.shape)
    if array.shape != shape and (1, *array.shape) != shape:
        hint = "give the layout of the source model: transpose where the axes are in another order"
        raise ModelError(f"input {edge.name} has shape {list(array.shape)}, the model takes {list(shape)}", hint)
    wanted = np.dtype(NAMES[edge.dtype])
    if array.dtype == np.int8 and edge.scale:  # quantized already: passes as it is
        return np.ascontiguousarray(array.reshape(shape))
    if array.dtype != wanted and not (wanted.kind == "f" and array.dtype.kind == "f"):
        also = " or, quantized already, int8" if edge.scale else ""
        raise ModelError(f"input {edge.name} is {array.dtype}, the model takes {wanted}{also}", "give real values in that type")
    return np.ascontiguousarray(array.reshape(shape), wanted)


def save_arrays(paths: Sequence[Path], arrays: Sequence[Array]) -> None:
    """Each array to its .npy, whole or not at all. UsageError where there are more paths than arrays."""
    if len(paths) > len(arrays):
        raise UsageError(f"{len(paths)} output files, the model has {len(arrays)} outputs", "give -o at most once per output")
    for path, array in zip(paths, arrays, strict=False):
        buffer = io.BytesIO()
        np.save(buffer, array)
        write_file(path, buffer.getvalue())
