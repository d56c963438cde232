"""Small TFLite files, written tensor by tensor."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

Array = NDArray[Any]
TYPES = {"f4": "FLOAT32", "f2": "FLOAT16", "i4": "INT32", "i8": "INT64", "i1": "INT8", "u1": "UINT8", "i2": "INT16", "b1": "BOOL"}


class Net:
    """One subgraph. Tensors are numbered as they are made."""

    def __init__(self) -> None:
        self.buffers = [schema.BufferT()]
        self.tensors: list[Any] = []
        self.operators: list[Any] = []
        self.codes: list[int] = []
        self.inputs: list[int] = []

    def tensor(self, shape: tuple[int, ...], kind: str = "FLOAT32", scale: Any = None, zero: Any = 0, axis: int = 0, name: str = "") -> int:
        t = schema.TensorT()
        t.shape, t.type, t.buffer = list(shape), getattr(schema.TensorType, kind), 0
        t.name = name or f"t{len(self.tensors)}"
        if scale is not None:
            t.quantization = schema.QuantizationParametersT()
            t.quantization.scale = np.atleast_1d(np.asarray(scale, np.float32))
            t.quantization.zeroPoint = np.broadcast_to(np.asarray(zero, np.int64), t.quantization.scale.shape).copy()
            t.quantization.quantizedDimension = axis
        self.tensors.append(t)
        return len(self.tensors) - 1

    def input(self, shape: tuple[int, ...], kind: str = "FLOAT32", **quant: Any) -> int:
        self.inputs.append(self.tensor(shape, kind, **quant))
        return self.inputs[-1]

    def const(self, data: Array, kind: str = "", **quant: Any) -> int:
        """`kind`: where the file's type is not that of the array."""
        index = self.tensor(data.shape, kind or TYPES[data.dtype.str[1:]], **quant)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(data.tobytes(), np.uint8)
        self.tensors[index].buffer = len(self.buffers)
        self.buffers.append(buffer)
        return index

    def op(self, code: str, inputs: list[int], outputs: list[int], options: str = "", **fields: Any) -> int:
        """Returns the first output."""
        o = schema.OperatorT()
        number = getattr(schema.BuiltinOperator, code)
        if number not in self.codes:
            self.codes.append(number)
        o.opcodeIndex, o.inputs, o.outputs = self.codes.index(number), inputs, outputs
        if options:
            o.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            o.builtinOptions = getattr(schema, options + "T")()
            for name, value in fields.items():
                assert hasattr(o.builtinOptions, name), name
                setattr(o.builtinOptions, name, value)
        self.operators.append(o)
        return outputs[0]

    def data(self, *outputs: int) -> bytes:
        model, graph = schema.ModelT(), schema.SubGraphT()
        graph.tensors, graph.operators, graph.inputs, graph.outputs = self.tensors, self.operators, self.inputs, list(outputs)
        model.version, model.subgraphs, model.buffers = 3, [graph], self.buffers
        model.operatorCodes = [_code(number) for number in self.codes]
        return packed(model)


def _code(number: int) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode = number, min(number, 127)
    code.version = 2 if number == schema.BuiltinOperator.BROADCAST_TO else 1  # the interpreter has no version 1 of it
    return code


def packed(model: Any) -> bytes:
    """The bytes of a file."""
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
