"""Reads .onnx files: float, QDQ and QOperator."""

from __future__ import annotations

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from edgeq_host.errors import ModelError
from edgeq_host.graph import Graph
from edgeq_host.importers.common import ImportOptions, Survey, read_bytes
from edgeq_host.importers.onnx_ops import build


def read(path: Path, options: ImportOptions) -> Graph:
    return build.import_model(parse(read_bytes(path), str(path)), str(path), options)


def survey(path: Path, options: ImportOptions) -> Survey:
    return build.survey(parse(read_bytes(path), str(path)), str(path), options)


def parse(data: bytes, path: str) -> onnx.ModelProto:
    """The protobuf message, or a ModelError where the bytes are no ONNX model."""
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except (DecodeError, RuntimeError, ValueError) as error:
        raise ModelError(f"{path} is not an ONNX model, or damaged: {error}", "expected a file that onnx.load can read") from None
    if not model.HasField("graph"):
        raise ModelError(f"{path} is not an ONNX model: it holds no graph", "expected a file that onnx.load can read")
    return model
