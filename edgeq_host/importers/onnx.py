"""Reads .onnx files: float, QDQ and QOperator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError, Message

from edgeq_host.errors import ModelError
from edgeq_host.graph import Graph
from edgeq_host.importers.common import ImportOptions, Survey, read_bytes
from edgeq_host.importers.onnx_ops import build

_EXPECTED = "expected a file that onnx.load can read"


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
        raise ModelError(f"{path} is not an ONNX model, or damaged: {error}", _EXPECTED) from None
    _check_text(model, path)
    if not model.HasField("graph"):
        raise ModelError(f"{path} is not an ONNX model: it holds no graph", _EXPECTED)
    return model


def _check_text(model: onnx.ModelProto, path: str) -> None:
    """Protobuf gives text that is not UTF-8 as bytes, wherever it stands: refused here, so that nothing later meets it."""
    waiting: list[Any] = [model]
    while waiting:
        for kind, value in waiting.pop().ListFields():
            held = [value] if isinstance(value, (str, bytes, Message)) else value
            if kind.type == kind.TYPE_MESSAGE:
                waiting += held
            elif kind.type == kind.TYPE_STRING:
                for text in held:
                    if isinstance(text, bytes):
                        found = f"its {kind.name} {text[:40]!r} is no UTF-8 text"
                        raise ModelError(f"{path} is not an ONNX model, or damaged: {found}", _EXPECTED)
