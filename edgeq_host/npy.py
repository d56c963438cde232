"""Arrays in .npy and .npz files, row by row. Damage and Python objects are a ModelError: nothing is unpickled, and a header is
believed only where it accounts for every byte of its array, so that no size in it takes memory by itself.
"""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from edgeq_host.archive import ARCHIVE_ERRORS, open_entry, reason
from edgeq_host.errors import ModelError
from edgeq_host.graph import Array

_HINTS = {".npy": "save numbers again with numpy.save", ".npz": "save numbers again with numpy.savez(path, x=..., y=...)"}
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,  # the same, but for the names of fields
}
_MAX_HEADER = 1 << 16  # numpy takes 10 000 characters
_MAX_HELD = 2**31 - 1  # bytes in memory at once: an array of an .npz in column-major order, or a row of another


@dataclass(frozen=True)
class Header:
    """What stands before the values of an array; raw: its bytes."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    raw: bytes


@dataclass(frozen=True)
class Rows:
    """An array in a file, read row by row."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], Iterator[Array]]


def read_header(stream: IO[bytes], size: int) -> Header:
    """Of a .npy of `size` bytes; reads on behind it. ValueError where it is damaged, or speaks of objects or another size."""
    start = io.BytesIO(stream.read(min(size, _MAX_HEADER)))
    version = np.lib.format.read_magic(start)
    if version not in _HEADERS:
        raise ValueError(f"its header has version {'.'.join(map(str, version))}, known are 1.0 to 3.0")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shape, fortran, dtype = _HEADERS[version](start)
    except Exception as error:  # numpy has Python parse the header, which raises many kinds
        raise ValueError(f"its header is damaged: {reason(error)}") from None
    if dtype.hasobject:
        raise ValueError("it holds Python objects, and only numbers are read")
    left, declared = size - start.tell(), math.prod(shape) * dtype.itemsize
    if left != declared or min(shape, default=0) < 0:
        raise ValueError(f"its header declares {list(shape)} of {dtype}, {declared} bytes, but {left} follow")
    return Header(tuple(map(int, shape)), fortran, dtype, start.getvalue()[: start.tell()])


def npy_rows(path: Path) -> Rows:
    with _readable(path, ".npy"):
        with path.open("rb") as stream:
            header = read_header(stream, path.stat().st_size)
        order: Literal["F", "C"] = "F" if header.fortran else "C"
        array = np.memmap(path, header.dtype, "r", len(header.raw), header.shape, order)
    return Rows(header.shape, header.dtype, lambda: (np.array(row) for row in array))


def npz_names(path: Path) -> list[str]:
    """Of the arrays; other files in the archive are none."""
    with _readable(path, ".npz"), zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


def npz_rows(path: Path, name: str) -> Rows:
    """One array. An entry is a stream: its rows come one after the other; those of a column-major array lie scattered over all of it."""
    with _readable(path, ".npz", name), _entry(path, name) as (stream, size):
        header = read_header(stream, size)
    scattered = header.fortran and len(header.shape) > 1
    held = math.prod(header.shape[0 if scattered else 1 :]) * header.dtype.itemsize
    if held > _MAX_HELD:
        kind = "is column-major and has" if scattered else "has rows of"
        hint = f"save less, or by rows: numpy.savez(path, {name}=numpy.ascontiguousarray(...))"
        raise ModelError(f"{path}: {name} {kind} {held} bytes, more than the {_MAX_HELD} that are held at once", hint)

    def rows() -> Iterator[Array]:
        with _readable(path, ".npz", name), _entry(path, name) as (stream, _):
            if stream.read(len(header.raw)) != header.raw:
                raise ValueError("it changed while it was used")
            if scattered:
                yield from np.ndarray(header.shape, header.dtype, _exactly(stream, held), order="F")
                return
            for _ in range(header.shape[0]):
                yield np.ndarray(header.shape[1:], header.dtype, _exactly(stream, held))

    return Rows(header.shape, header.dtype, rows)


@contextmanager
def _entry(path: Path, name: str) -> Iterator[tuple[IO[bytes], int]]:
    """The array's .npy as a stream, and how many bytes it declares."""
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo(f"{name}.npy")
        with open_entry(archive, entry) as stream:
            yield stream, entry.file_size


def _exactly(stream: IO[bytes], size: int) -> bytes:
    block = stream.read(size)
    if len(block) != size:
        raise ValueError("it ends early")
    return block


@contextmanager
def _readable(path: Path, kind: str, name: str = "") -> Iterator[None]:
    """What damage raises, as a ModelError that names the file and, in an .npz, the array."""
    try:
        yield
    except (*ARCHIVE_ERRORS, KeyError) as error:
        raise ModelError(f"{path} is not a readable {kind}: {name}{': ' if name else ''}{reason(error)}", _HINTS[kind]) from None
