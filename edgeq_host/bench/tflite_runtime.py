"""tflite_runtime, where LiteRT's own wheel is not to be had (older boards): XNNPACK, one thread, through its Python interpreter, whose
call of about a microsecond is in the times."""

from __future__ import annotations

import importlib.util
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

MODULE = "tflite_runtime"


def missing() -> str:
    """Why it cannot be used here; empty where it can."""
    return "" if importlib.util.find_spec(MODULE) else "not installed (pip install tflite_runtime)"


class TfliteRuntime:
    """A .tflite file. package: with an `interpreter` of the same form."""

    name = "litert"

    def __init__(self, path: Path, package: str = MODULE) -> None:
        self._package = package
        self._own = import_module(f"{package}.interpreter").Interpreter(str(path), num_threads=1)
        self._own.allocate_tensors()
        self._ins: list[dict[str, Any]] = self._own.get_input_details()
        self._outs: list[dict[str, Any]] = self._own.get_output_details()

    def run(self, n: int) -> int:
        start = time.thread_time_ns()
        for _ in range(n):
            self._own.invoke()
        return time.thread_time_ns() - start

    def fill(self, inputs: list[bytes]) -> None:
        for edge, data in zip(self._ins, inputs, strict=True):
            self._own.set_tensor(edge["index"], np.frombuffer(data, edge["dtype"]).reshape(edge["shape"]))

    def outputs(self) -> list[bytes]:
        return [np.ascontiguousarray(self._own.get_tensor(edge["index"])).tobytes() for edge in self._outs]

    def version(self) -> str:
        return f"{getattr(import_module(self._package), '__version__', 'unknown')} ({self._package})"
