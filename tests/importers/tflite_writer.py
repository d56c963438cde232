"""Small TFLite files made for a test, and the interpreter that is their witness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
interpreter = pytest.importorskip("ai_edge_litert.interpreter")
writer = pytest.importorskip("bench.tflite_writer")
Net = writer.Net

Array = NDArray[Any]


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
    return writer.packed(model)


def bias_axis_repaired(data: bytes) -> bytes:
    """The same model with the scales of one-dimensional tensors along their only axis, without which the interpreter refuses it."""
    model = schema.ModelT.InitFromPackedBuf(bytearray(data), 0)
    for tensor in model.subgraphs[0].tensors:
        if tensor.quantization is not None and tensor.shape is not None and len(tensor.shape) == 1:
            tensor.quantization.quantizedDimension = 0
    return writer.packed(model)
