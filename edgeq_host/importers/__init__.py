"""Readers of model files: one module per format. The format is told by the content, never by the name alone."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from edgeq_host.errors import ModelError, UsageError
from edgeq_host.graph import Graph
from edgeq_host.importers.common import ImportOptions
from edgeq_host.passes import normalize

__all__ = ["ImportOptions", "format_of", "from_torch", "load"]

_REFUSED = {
    b"\x89HDF": (
        "a Keras or HDF5 file",
        "convert it: tf.lite.TFLiteConverter.from_keras_model(tf.keras.models.load_model(PATH)).convert()",
    ),
    b"GGUF": ("a GGUF file", "edgeq reads .onnx, .tflite and .pt2"),
}


def load(path: Path | str, options: ImportOptions | None = None) -> Graph:
    """The normalized graph of an .onnx, .tflite or .pt2 file."""
    path = Path(path)
    reader = import_module(f"{__name__}.{format_of(path)}")
    return _finish(reader.read(path, options or ImportOptions()))


def from_torch(module: Any, example_inputs: Any, options: ImportOptions | None = None) -> Graph:
    """The normalized graph of a torch.nn.Module."""
    reader = import_module(f"{__name__}.torch")
    return _finish(reader.from_module(module, example_inputs, options or ImportOptions()))


def format_of(path: Path) -> str:
    """The importer's module: "onnx", "tflite" or "torch"."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}", "give the path of a model file") from None
    if not head:
        raise ModelError(f"{path} is empty", "give an .onnx, .tflite or .pt2 file")
    if head[4:8] == b"TFL3":
        return "tflite"
    if head[4:8] == b"EQM1":
        raise ModelError(f"{path} is already a packed model", "give the network that it was made from")
    if head[:2] == b"PK" or (head[0] == 0x80 and 2 <= head[1] <= 5 if len(head) > 1 else False):
        return "torch"
    for magic, (what, hint) in _REFUSED.items():
        if head.startswith(magic):
            raise ModelError(f"{path} is {what}, which edgeq does not read", hint)
    return "onnx"


def _finish(graph: Graph) -> Graph:
    graph = normalize(graph)
    graph.validate()
    return graph
