"""Small TFLite files made for a test, and the interpreter that is their witness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from numpy.typing import NDArray

schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
interpreter = pytest.importorskip("ai_edge_litert.interpreter")

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
        return _packed(model)


def _code(number: int) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode = number, min(number, 127)
    code.version = 2 if number == schema.BuiltinOperator.BROADCAST_TO else 1  # the interpreter has no version 1 of it
    return code


def witness(path: Path, *inputs: Array, keep_all: bool = False, kernels: str = "BUILTIN_REF") -> Any:
    """The reference kernels of TFLite, or others of its own, run once."""
    found = interpreter.Interpreter(
        str(path),
        experimental_preserve_all_tensors=keep_all,
        experimental_op_resolver_type=getattr(interpreter.OpResolverType, kernels),
    )
    for detail, x in zip(found.get_input_details(), inputs, strict=True):
        if tuple(detail["shape"]) != x.shape:
            found.resize_tensor_input(detail["index"], x.shape)
    found.allocate_tensors()
    for detail, x in zip(found.get_input_details(), inputs, strict=True):
        found.set_tensor(detail["index"], x)
    found.invoke()
    return found


def outputs(found: Any) -> list[Array]:
    return [found.get_tensor(d["index"]) for d in found.get_output_details()]


def floats_only(data: bytes) -> bytes:
    """The same model with its 8-bit constants as float32: what a hybrid model computes when nothing rounds on the way."""
    model = schema.ModelT.InitFromPackedBuf(bytearray(data), 0)
    for tensor in model.subgraphs[0].tensors:
        raw = model.buffers[tensor.buffer].data
        if tensor.type != schema.TensorType.INT8 or raw is None:
            continue
        scale = np.asarray(tensor.quantization.scale, np.float64)
        shape = [-1 if i == tensor.quantization.quantizedDimension else 1 for i in range(len(tensor.shape))] if len(scale) > 1 else [1]
        values = np.asarray(raw, np.uint8).view(np.int8).reshape(tensor.shape) * scale.reshape(shape)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.astype(np.float32).tobytes(), np.uint8)
        model.buffers.append(buffer)
        tensor.buffer, tensor.type, tensor.quantization = len(model.buffers) - 1, schema.TensorType.FLOAT32, None
    return _packed(model)


def bias_axis_repaired(data: bytes) -> bytes:
    """The same model with the scales of one-dimensional tensors along their only axis, without which the interpreter refuses it."""
    model = schema.ModelT.InitFromPackedBuf(bytearray(data), 0)
    for tensor in model.subgraphs[0].tensors:
        if tensor.quantization is not None and tensor.shape is not None and len(tensor.shape) == 1:
            tensor.quantization.quantizedDimension = 0
    return _packed(model)


def _packed(model: Any) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
