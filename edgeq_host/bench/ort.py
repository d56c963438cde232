"""onnxruntime through its C API (libonnxruntime of the wheel): CPU, one thread, tensors in our memory."""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import math
from pathlib import Path
from typing import Any

import onnx

from edgeq_host.bench import timing
from edgeq_host.bench.timing import Memory
from edgeq_host.errors import EdgeqError

P = ctypes.c_void_p
API_VERSION = 17  # the oldest with everything below; later libraries serve it
WARNINGS_OFF = 4  # ORT_LOGGING_LEVEL_FATAL
# Places in struct OrtApi, which only ever grows at its end.
_API = {
    "GetErrorMessage": 2,
    "CreateEnv": 3,
    "CreateSessionFromArray": 8,
    "Run": 9,
    "CreateSessionOptions": 10,
    "SetIntraOpNumThreads": 24,
    "SetInterOpNumThreads": 25,
    "CreateTensorWithDataAsOrtValue": 49,
    "CreateCpuMemoryInfo": 69,
}
_BYTES = {onnx.TensorProto.FLOAT: 4, onnx.TensorProto.UINT8: 1, onnx.TensorProto.INT8: 1}  # their numbers are ORT's too


class _Case(ctypes.Structure):
    """struct eq_bench_ort."""

    _fields_ = [
        ("run", P),
        ("session", P),
        ("input_names", P),
        ("output_names", P),
        ("inputs", P),
        ("outputs", P),
        ("input_count", ctypes.c_size_t),
        ("output_count", ctypes.c_size_t),
    ]


class _Base(ctypes.Structure):
    """struct OrtApiBase."""

    _fields_ = [("GetApi", ctypes.CFUNCTYPE(P, ctypes.c_uint32)), ("GetVersionString", ctypes.CFUNCTYPE(ctypes.c_char_p))]


def _package() -> Path | None:
    found = importlib.util.find_spec("onnxruntime")
    return Path(found.origin).parent if found is not None and found.origin else None


def missing() -> str:
    """Why it cannot be used here; empty where it can."""
    package = _package()
    if package is None:
        return "not installed (pip install onnxruntime)"
    return "" if sorted(package.glob("capi/libonnxruntime.so*")) else "its wheel has no libonnxruntime.so"


class Ort(timing.Tensors):
    """A model whose tensors have fixed shapes."""

    name = "onnxruntime"

    def __init__(self, model: onnx.ModelProto) -> None:
        package = _package()
        assert package is not None
        self._lib = ctypes.CDLL(str(sorted(package.glob("capi/libonnxruntime.so*"))[-1]))
        self._lib.OrtGetApiBase.restype = ctypes.POINTER(_Base)
        self._api = self._lib.OrtGetApiBase().contents.GetApi(API_VERSION)
        if not self._api:
            raise EdgeqError(f"this onnxruntime has no API version {API_VERSION}", "install onnxruntime 1.17 or newer")
        environment, options, self._session, self._memory = P(), P(), P(), P()
        self._call("CreateEnv", WARNINGS_OFF, b"edgeq", ctypes.byref(environment))
        before = timing.threads()  # the environment may have one that only logs
        self._call("CreateSessionOptions", ctypes.byref(options))
        self._call("SetIntraOpNumThreads", options, 1)
        self._call("SetInterOpNumThreads", options, 1)
        data = model.SerializeToString()
        self._call("CreateSessionFromArray", environment, data, ctypes.c_size_t(len(data)), options, ctypes.byref(self._session))
        assert timing.threads() <= before, "onnxruntime started threads: thread CPU time would lie"
        self._call("CreateCpuMemoryInfo", 0, 0, ctypes.byref(self._memory))
        self._inputs, ins = self._tensors(model.graph.input)
        self._outputs, outs = self._tensors(model.graph.output)
        self._names = [(ctypes.c_char_p * len(g))(*(v.name.encode() for v in g)) for g in (model.graph.input, model.graph.output)]
        self._values = ins, outs
        places = [ctypes.cast(x, P) for x in (*self._names, ins, outs)]
        self._case = _Case(self._function("Run"), self._session, *places, len(self._inputs), len(self._outputs))
        self._call(
            "Run", self._session, None, places[0], places[2], ctypes.c_size_t(len(ins)), places[1], ctypes.c_size_t(len(outs)), places[3]
        )

    def _function(self, name: str) -> int:
        return int(ctypes.cast(self._api, ctypes.POINTER(P))[_API[name]] or 0)

    def _call(self, name: str, *args: Any) -> None:
        failed = ctypes.CFUNCTYPE(P, *map(_kind, args))(self._function(name))(*args)
        if failed:
            text = ctypes.CFUNCTYPE(ctypes.c_char_p, P)(self._function("GetErrorMessage"))(failed)
            raise EdgeqError(f"onnxruntime: {name}: {(text or b'').decode(errors='replace')}", "report it with the model")

    def _tensors(self, values: Any) -> tuple[list[Memory], Any]:
        memories, handles = [], (P * len(values))()
        for i, value in enumerate(values):
            kind = value.type.tensor_type
            shape = [d.dim_value for d in kind.shape.dim]
            memories.append(Memory(math.prod(shape) * _BYTES[kind.elem_type]))
            dims, made = (ctypes.c_int64 * len(shape))(*shape), P()
            place, size = P(memories[-1].address), ctypes.c_size_t(memories[-1].size)
            args = (self._memory, place, size, dims, ctypes.c_size_t(len(shape)), kind.elem_type, ctypes.byref(made))
            self._call("CreateTensorWithDataAsOrtValue", *args)
            handles[i] = made
        return memories, handles

    def run(self, n: int) -> int:
        return int(timing.library().eq_bench_ort(ctypes.byref(self._case), n))

    @staticmethod
    def version() -> str:
        return importlib.metadata.version("onnxruntime")


def _kind(value: Any) -> Any:
    """How C takes an argument."""
    if isinstance(value, int):
        return ctypes.c_int
    if isinstance(value, bytes):
        return ctypes.c_char_p
    return type(value) if isinstance(value, ctypes.c_size_t) else P
