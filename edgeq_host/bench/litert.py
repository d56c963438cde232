"""LiteRT through its C API (libLiteRt.so of the ai-edge-litert wheel): CPU accelerator (XNNPACK), one thread."""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgeq_host.bench import timing
from edgeq_host.errors import EdgeqError

CPU = 1  # kLiteRtHwAcceleratorCpu
P = ctypes.c_void_p


class _Case(ctypes.Structure):
    """struct eq_bench_litert."""

    _fields_ = [
        ("run", P),
        ("model", P),
        ("input_count", ctypes.c_size_t),
        ("output_count", ctypes.c_size_t),
        ("inputs", P),
        ("outputs", P),
    ]


def missing() -> str:
    """Why it cannot be used here; empty where it can."""
    found = importlib.util.find_spec("ai_edge_litert")
    if found is None or not found.origin:
        return "not installed (pip install ai-edge-litert)"
    return "" if Path(found.origin).with_name("libLiteRt.so").is_file() else "its wheel has no libLiteRt.so"


def _library() -> ctypes.CDLL:
    found = importlib.util.find_spec("ai_edge_litert")
    assert found is not None and found.origin
    return ctypes.CDLL(str(Path(found.origin).with_name("libLiteRt.so")))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the lines that the library writes to stderr whatever is asked of it."""
    sys.stderr.flush()
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


class LiteRT:
    """A .tflite file with one input and one output."""

    name = "litert"

    def __init__(self, path: Path) -> None:
        self.lib = _library()
        before = timing.threads()
        with _quiet():
            signature = self._open(path)
        assert timing.threads() <= before, "LiteRT started threads: thread CPU time would lie"
        self._ins, self._outs = self._buffers(signature, "Input"), self._buffers(signature, "Output")
        run, places = ctypes.cast(self.lib.LiteRtRunCompiledModel, P), (ctypes.cast(self._ins, P), ctypes.cast(self._outs, P))
        self._case = _Case(run, self.compiled, len(self._ins), len(self._outs), *places)

    def _open(self, path: Path) -> P:
        """The signature of the compiled model."""
        self.environment, self.model, self.options, self.compiled = P(), P(), P(), P()
        self._call("LiteRtCreateEnvironment", ctypes.c_int(0), None, ctypes.byref(self.environment))
        self._call("LiteRtCreateModelFromFile", self.environment, str(path).encode(), ctypes.byref(self.model))
        self._call("LiteRtCreateOptions", ctypes.byref(self.options))
        self._call("LiteRtSetOptionsHardwareAccelerators", self.options, ctypes.c_int(CPU))
        self._call("LiteRtCreateCompiledModel", self.environment, self.model, self.options, ctypes.byref(self.compiled))
        signature = P()
        self._call("LiteRtGetModelSignature", self.model, ctypes.c_size_t(0), ctypes.byref(signature))
        return signature

    def _call(self, name: str, *args: Any) -> None:
        status = getattr(self.lib, name)(*args)
        if status != 0:
            raise EdgeqError(f"LiteRT: {name}: status {status}", "report it with the model")

    def _buffers(self, signature: P, side: str) -> Any:
        count = ctypes.c_size_t()
        self._call(f"LiteRtGetNumSignature{side}s", signature, ctypes.byref(count))
        array = (P * count.value)()
        for i in range(count.value):
            tensor, needs, buffer = P(), P(), P()
            kind = ctypes.create_string_buffer(256)  # LiteRtRankedTensorType, larger than any version of it
            index = ctypes.c_size_t(i)
            self._call(f"LiteRtGetSignature{side}TensorByIndex", signature, index, ctypes.byref(tensor))
            self._call("LiteRtGetRankedTensorType", tensor, kind)
            self._call(f"LiteRtGetCompiledModel{side}BufferRequirements", self.compiled, ctypes.c_size_t(0), index, ctypes.byref(needs))
            self._call("LiteRtCreateManagedTensorBufferFromRequirements", self.environment, kind, needs, ctypes.byref(buffer))
            array[i] = buffer
        return array

    def run(self, n: int) -> int:
        return int(timing.library().eq_bench_litert(ctypes.byref(self._case), n))

    def fill(self, inputs: list[bytes]) -> None:
        for buffer, data in zip(self._ins, inputs, strict=True):
            ctypes.memmove(self._lock(buffer, write=True), data, len(data))
            self._call("LiteRtUnlockTensorBuffer", P(buffer))

    def outputs(self) -> list[bytes]:
        return [self._read(buffer) for buffer in self._outs]

    def _read(self, buffer: Any) -> bytes:
        size = ctypes.c_size_t()
        self._call("LiteRtGetTensorBufferPackedSize", P(buffer), ctypes.byref(size))
        data = ctypes.string_at(self._lock(buffer, write=False), size.value)
        self._call("LiteRtUnlockTensorBuffer", P(buffer))
        return data

    def _lock(self, buffer: Any, write: bool) -> P:
        place = P()
        self._call("LiteRtLockTensorBuffer", P(buffer), ctypes.byref(place), ctypes.c_int(write))
        return place

    @staticmethod
    def version() -> str:
        return importlib.metadata.version("ai-edge-litert")
