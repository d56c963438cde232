"""A FlatBuffers builder that writes what is equal once, and small things into the gaps before aligned buffers.

For files of several variants, whose tables are mostly the same. Offsets in a FlatBuffer may meet: no reader sees a difference.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Any

import flatbuffers
import numpy as np

from edgeq_host.export import eqm_generated as eqm

_BUFFER_BYTES = 8  # of a Buffer's table


class Builder(flatbuffers.Builder):  # type: ignore[misc]
    """Strings, vectors and, by once(), tables: each distinct content one time."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._made: dict[Any, int] = {}
        self._start = 0
        self._elements: list[int] | None = None  # of a vector of offsets that is being written

    def once(self, key: Any, make: Callable[[], int]) -> int:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def CreateString(self, s: str | bytes, encoding: str = "utf-8", errors: str = "strict") -> int:
        return self.once(_key(s), lambda: int(super(Builder, self).CreateString(s, encoding, errors)))

    def CreateNumpyVector(self, x: Any) -> int:
        return self.once(_key(x), lambda: int(super(Builder, self).CreateNumpyVector(x)))

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int:
        self._start, self._elements = int(self.Offset()), []
        return int(super().StartVector(elemSize, numElems, alignment))

    def PrependUOffsetTRelative(self, off: int) -> None:
        if self._elements is not None:
            self._elements.append(off)
        super().PrependUOffsetTRelative(off)

    def EndVector(self) -> int:
        """A vector of tables or strings that is there already is taken back."""
        elements, self._elements = tuple(self._elements or ()), None
        end = int(super().EndVector())
        at = self.once(("elements", elements), lambda: end) if elements else end
        if at != end:
            self.head = len(self.Bytes) - self._start
        return at


class _Once:
    """A table that is written where no equal one is."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def Pack(self, builder: Builder) -> int:
        return builder.once(_key(self._table), lambda: int(self._table.Pack(builder)))


def _key(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.tobytes()
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        return tuple(map(_key, value))
    return (type(value), *map(_key, vars(value).values())) if hasattr(value, "__dict__") else value


def write(builder: Builder, model: eqm.ModelT, vectors: Callable[[Builder, bytes], int]) -> int:
    """The root of a model. vectors: writes the bytes of a buffer, aligned. Scores are not shared: they are not known when a size is
    foretold."""
    leaves = _Leaves([model.name, model.inputs, model.outputs, model.labels, model.variants, model.provenance])
    made: list[_Buffer] = []
    waiting: list[_Buffer] = []  # tables that are small enough for a gap, too
    for buffer in model.buffers:
        data = bytes(buffer.data)
        leaves.fill(builder, len(data), model.alignment)
        while waiting and _gap(builder, len(data), model.alignment) >= _BUFFER_BYTES:
            waiting.pop().Pack(builder)
        made.append(_Buffer(vectors(builder, data)))
        waiting.append(made[-1])
    kept, model.buffers = model.buffers, made
    for variant in model.variants:
        variant.tensors, variant.operators = ([_Once(t) for t in tables] for tables in (variant.tensors, variant.operators))
    try:
        return int(model.Pack(builder))
    finally:
        model.buffers = kept
        for variant in model.variants:
            variant.tensors, variant.operators = ([t._table for t in tables] for tables in (variant.tensors, variant.operators))


class _Buffer:
    """Of a vector that is there."""

    def __init__(self, data: int) -> None:
        self._data = data

    def Pack(self, builder: Builder) -> int:
        return builder.once((_Buffer, self._data), lambda: self._write(builder))

    def _write(self, builder: Builder) -> int:
        eqm.BufferStart(builder)
        eqm.BufferAddData(builder, self._data)
        return int(eqm.BufferEnd(builder))


def _gap(builder: Builder, size: int, alignment: int) -> int:
    """Bytes that aligning `size` bytes would leave."""
    return -(int(builder.Offset()) + size) % alignment


class _Leaves:
    """Strings and vectors of numbers, which can be written at any time: the largest that fits a gap goes there."""

    def __init__(self, tables: list[Any]) -> None:
        found = {_key(leaf): leaf for leaf in _leaves(tables)}
        self._sorted = sorted(found.values(), key=_size)
        self._sizes = [_size(leaf) for leaf in self._sorted]

    def fill(self, builder: Builder, size: int, alignment: int) -> None:
        """Use the gap before a buffer of so many bytes."""
        while place := bisect_right(self._sizes, _gap(builder, size, alignment)):
            leaf = self._sorted.pop(place - 1)
            self._sizes.pop(place - 1)
            (builder.CreateNumpyVector if isinstance(leaf, np.ndarray) else builder.CreateString)(leaf)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (str, bytes, np.ndarray)):
        yield value
    for part in value if isinstance(value, list) else vars(value).values() if hasattr(value, "__dict__") else ():
        yield from _leaves(part)


def _size(leaf: Any) -> int:
    """Bytes with the length before and, of strings, the zero behind."""
    count = leaf.nbytes if isinstance(leaf, np.ndarray) else len(leaf if isinstance(leaf, bytes) else leaf.encode()) + 1
    return 4 + -(-count // 4) * 4
