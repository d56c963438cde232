"""LiteRT through its C API (libLiteRt.so of the ai-edge-litert wheel): CPU accelerator (XNNPACK), one thread."""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
from pathlib import Path
from typing import Any

import ai_edge_litert

CPU = 1  # kLiteRtHwAcceleratorCpu
P = ctypes.c_void_p


class Case(ctypes.Structure):
    """struct litert_case of loop.c."""

    _fields_ = [
        ("run", P),
        ("model", P),
        ("input_count", ctypes.c_size_t),
        ("output_count", ctypes.c_size_t),
        ("inputs", P),
        ("outputs", P),
    ]


def _threads() -> int:
    return len(os.listdir("/proc/self/task"))


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(str(Path(ai_edge_litert.__file__).with_name("libLiteRt.so")))


class LiteRT:
    """A .tflite file ready to be called by loop.c."""

    def __init__(self, path: Path) -> None:
        self.lib = _library()
        before = _threads()
        self.environment, self.model, self.options, self.compiled = P(), P(), P(), P()
        self._call("LiteRtCreateEnvironment", ctypes.c_int(0), None, ctypes.byref(self.environment))
        self._call("LiteRtCreateModelFromFile", self.environment, str(path).encode(), ctypes.byref(self.model))
        self._call("LiteRtCreateOptions", ctypes.byref(self.options))
        self._call("LiteRtSetOptionsHardwareAccelerators", self.options, ctypes.c_int(CPU))
        self._call("LiteRtCreateCompiledModel", self.environment, self.model, self.options, ctypes.byref(self.compiled))
        assert _threads() == before, "LiteRT started threads: thread CPU time would lie"
        signature = P()
        self._call("LiteRtGetModelSignature", self.model, ctypes.c_size_t(0), ctypes.byref(signature))
        self.inputs = self._buffers(signature, "Input")
        self.outputs = self._buffers(signature, "Output")
        self.case = Case(
            ctypes.cast(self.lib.LiteRtRunCompiledModel, P),
            self.compiled,
            len(self.inputs),
            len(self.outputs),
            ctypes.cast(self.inputs, P),
            ctypes.cast(self.outputs, P),
        )

    def _call(self, name: str, *args: Any) -> None:
        status = getattr(self.lib, name)(*args)
        assert status == 0, f"{name}: LiteRT status {status}"

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

    def fill(self, data: bytes) -> None:
        """Copy the first input in."""
        place = P()
        self._call("LiteRtLockTensorBuffer", P(self.inputs[0]), ctypes.byref(place), ctypes.c_int(1))
        ctypes.memmove(place, data, len(data))
        self._call("LiteRtUnlockTensorBuffer", P(self.inputs[0]))

    def output(self, size: int) -> bytes:
        """Bytes of the first output."""
        place = P()
        self._call("LiteRtLockTensorBuffer", P(self.outputs[0]), ctypes.byref(place), ctypes.c_int(0))
        data = ctypes.string_at(place, size)
        self._call("LiteRtUnlockTensorBuffer", P(self.outputs[0]))
        return data


def version() -> str:
    return importlib.metadata.version("ai-edge-litert")
