"""A TFLite file as plain data: tensors, operators and their options, every index checked. Nothing here knows what operators mean.

The FlatBuffers runtime checks nothing: a damaged file makes it raise many kinds of errors, and vectors that overlap would make it
read far more than the file holds. So everything is read here, at once, under one guard and one budget.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import tflite

from edgeq_host.errors import ModelError
from edgeq_host.graph import Array
from edgeq_host.importers.common import read_bytes

MAX_TABLES = 50_000  # tensors, operators, buffers and operator codes together
DAMAGE = "the file is damaged or is not a TFLite model: take it from its source again"

_DEFAULTS = struct.pack("<HHi", 4, 4, 4)  # a table without fields, at 4: every option has the schema's default
_GARBAGE = (struct.error, IndexError, TypeError, ValueError, OverflowError, AttributeError, MemoryError)
_OPERATORS = {number: name for name, number in vars(tflite.BuiltinOperator).items() if isinstance(number, int)}
_OPTIONS = {number: name for name, number in vars(tflite.BuiltinOptions).items() if isinstance(number, int)}
TYPES = {number: name for name, number in vars(tflite.TensorType).items() if isinstance(number, int)}

T = TypeVar("T")


@dataclass(frozen=True)
class FileTensor:
    """`data`: the bytes of a constant. `scale` empty: not quantized; else `zero` has as many entries, one, or as `axis` has slices."""

    name: str
    shape: tuple[int, ...]
    type: str
    data: Array | None
    scale: Array
    zero: Array
    axis: int
    sparse: bool


@dataclass(frozen=True)
class FileOperator:
    """Inputs that are left out are -1. `options`: the fields that the reader was asked for."""

    index: int
    code: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FileModel:
    name: str
    size: int  # bytes of the file
    tensors: list[FileTensor]
    operators: list[FileOperator]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


# operator -> the table of its options and the fields to read; one ending in [] is a vector
Wanted = Callable[[str], "tuple[str, tuple[str, ...]] | None"]


class _Reader:
    def __init__(self, path: Path, data: bytes, wanted: Wanted) -> None:
        self.path, self.data, self.wanted = path, data, wanted
        self.tables = MAX_TABLES
        self.bytes = 4 * len(data) + 4096

    def spend(self, count: int) -> None:
        self.bytes -= count
        if self.bytes < 0:
            raise self.damaged("its vectors overlap")

    def damaged(self, what: str) -> ModelError:
        return ModelError(f"{self.path}: {what}", DAMAGE)

    def items(self, count: int, item: Callable[[int], T]) -> Iterable[tuple[int, T]]:
        self.tables -= count
        if self.tables < 0:
            raise self.damaged(f"more than {MAX_TABLES} tensors and operators")
        return ((i, item(i)) for i in range(count))

    def numbers(self, count: int, vector: Callable[[], Any]) -> tuple[int, ...]:
        self.spend(4 * count)
        return tuple(int(v) for v in vector()) if count else ()

    def text(self, raw: bytes | None) -> str:
        self.spend(len(raw or b""))
        return (raw or b"").decode("utf-8", "replace")

    def buffer(self, model: Any, index: int) -> Array | None:
        if not 0 <= index < model.BuffersLength():
            raise self.damaged(f"buffer {index} of {model.BuffersLength()}")
        table = model.Buffers(index)
        if table.Offset() > 1:  # models over 2 GB keep their weights behind the FlatBuffer
            start, size = table.Offset(), table.Size()
            if start + size > len(self.data):
                raise self.damaged(f"buffer {index} ends behind the end of the file")
            return np.frombuffer(self.data, np.uint8, size, start)
        return np.asarray(table.DataAsNumpy(), np.uint8) if table.DataLength() else None

    def tensor(self, model: Any, table: Any) -> FileTensor:
        shape = self.numbers(table.ShapeLength(), table.ShapeAsNumpy)
        name = self.text(table.Name())
        kind = TYPES.get(table.Type(), str(table.Type()))
        if len(shape) > 16 or any(d < -1 for d in shape):
            raise self.damaged(f"tensor {name!r} has the shape {list(shape)[:16]}")
        scale, zero, axis = self.quantization(name, table.Quantization())
        return FileTensor(name, shape, kind, self.buffer(model, table.Buffer()), scale, zero, axis, table.Sparsity() is not None)

    def quantization(self, name: str, table: Any) -> tuple[Array, Array, int]:
        if table is None or not table.ScaleLength():
            return np.zeros(0), np.zeros(0, np.int64), 0
        self.spend(12 * table.ScaleLength())
        scale = np.asarray(table.ScaleAsNumpy(), np.float64)
        zero = np.asarray(table.ZeroPointAsNumpy(), np.int64) if table.ZeroPointLength() else np.zeros(len(scale), np.int64)
        if len(zero) == 1:
            zero = np.repeat(zero, len(scale))
        if len(zero) != len(scale):
            raise self.damaged(f"tensor {name!r} has {len(scale)} scales and {len(zero)} zero points")
        return scale, zero, int(table.QuantizedDimension())

    def operator(self, model: Any, graph: Any, index: int, table: Any) -> FileOperator:
        if not 0 <= table.OpcodeIndex() < model.OperatorCodesLength():
            raise self.damaged(f"operator {index} has code {table.OpcodeIndex()} of {model.OperatorCodesLength()}")
        row = model.OperatorCodes(table.OpcodeIndex())
        number = max(row.BuiltinCode(), row.DeprecatedBuiltinCode())  # files older than schema 3a have only the second
        code = _OPERATORS.get(number, f"operator number {number}")
        if code == "CUSTOM":
            code = f"CUSTOM {self.text(row.CustomCode())}"
        inputs = self.numbers(table.InputsLength(), table.InputsAsNumpy)
        outputs = self.numbers(table.OutputsLength(), table.OutputsAsNumpy)
        self.check_indices(f"operator {index} ({code})", graph, inputs, -1)
        self.check_indices(f"operator {index} ({code})", graph, outputs, 0)
        wanted = self.wanted(code)
        options = self.options(code, table, *wanted) if wanted and wanted[0] else {}
        return FileOperator(index, code, inputs, outputs, options)

    def check_indices(self, what: str, graph: Any, indices: tuple[int, ...], lowest: int) -> None:
        bad = [i for i in indices if not lowest <= i < graph.TensorsLength()]
        if bad:
            raise self.damaged(f"{what} names tensor {bad[0]} of {graph.TensorsLength()}")

    def options(self, code: str, table: Any, kind: str, fields: tuple[str, ...]) -> dict[str, Any]:
        found = _OPTIONS.get(table.BuiltinOptionsType())
        if found not in (kind, "NONE"):
            raise self.damaged(f"{code} carries {found or table.BuiltinOptionsType()}, not {kind}")
        raw = table.BuiltinOptions() if found == kind else None
        options = getattr(tflite, kind)()
        options.Init(*((raw.Bytes, raw.Pos) if raw is not None else (_DEFAULTS, 4)))
        return {name.removesuffix("[]"): self.option(options, name) for name in fields}

    def option(self, options: Any, name: str) -> Any:
        if not name.endswith("[]"):
            return getattr(options, name)()
        name = name.removesuffix("[]")
        return self.numbers(getattr(options, name + "Length")(), getattr(options, name + "AsNumpy"))

    def model(self) -> FileModel:
        model = tflite.Model.GetRootAsModel(self.data, 0)
        if model.SubgraphsLength() < 1:
            raise self.damaged("no graph inside")
        graph = model.Subgraphs(0)  # the others are called by control-flow operators, which are refused by name
        tensors = [self.tensor(model, t) for _, t in self.items(graph.TensorsLength(), graph.Tensors)]
        operators = [self.operator(model, graph, i, o) for i, o in self.items(graph.OperatorsLength(), graph.Operators)]
        inputs = self.numbers(graph.InputsLength(), graph.InputsAsNumpy)
        outputs = self.numbers(graph.OutputsLength(), graph.OutputsAsNumpy)
        self.check_indices("the list of inputs", graph, inputs, 0)
        self.check_indices("the list of outputs", graph, outputs, 0)
        return FileModel(self.path.stem, len(self.data), tensors, operators, inputs, outputs)


def read_file(path: Path, wanted: Wanted) -> FileModel:
    data = read_bytes(path)
    if len(data) < 8 or data[4:8] != b"TFL3":
        raise ModelError(f"{path}: not a TFLite model: bytes 4 to 7 are {data[4:8]!r}, expected b'TFL3'", DAMAGE)
    try:
        with np.errstate(invalid="ignore"):  # scales that are no numbers: refused where they are used
            return _Reader(path, data, wanted).model()
    except _GARBAGE as error:
        raise ModelError(f"{path}: an offset in the file leads nowhere ({type(error).__name__})", DAMAGE) from error
