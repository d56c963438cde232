"""The C API as ctypes sees it: structures and signatures of csrc/eq.h, and the library. Python 3.6, standard library alone."""

import ctypes
import os
from ctypes import POINTER, c_char_p, c_float, c_int, c_int32, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from typing import Any, Dict, List, Tuple  # noqa: F401 (in type comments)

MAX_RANK = 6
STATUS_MEMORY = -9  # EQ_ERR_MEMORY
STATUS_ARGUMENT = -10  # EQ_ERR_ARGUMENT


class Error(Exception):
    """What the C runtime refused. `status` is its eq_status, a negative number."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class IsaError(Error):
    """A name of an instruction set that this CPU does not have."""


class File(ctypes.Structure):
    _fields_ = [
        ("body", c_void_p),
        ("body_size", c_size_t),
        ("size", c_size_t),
        ("counter", c_uint64),
        ("sha256", c_uint8 * 32),
        ("format_version", c_uint32),
    ]


class PlanBytes(ctypes.Structure):
    _fields_ = [(name, c_size_t) for name in ["model_bytes", "arena_bytes", "activation_bytes", "scratch_bytes", "packed_bytes"]] + [
        ("macs", c_uint64)
    ]


class EdgeRow(ctypes.Structure):
    _fields_ = [
        ("name", c_char_p),
        ("rank", c_int),
        ("shape", c_int32 * MAX_RANK),
        ("type", c_int),
        ("bytes", c_size_t),
        ("scale", c_float),
        ("zero", c_int32),
        ("inner_bytes", c_size_t),
    ]


class OpRow(ctypes.Structure):
    _fields_ = [(name, c_char_p) for name in ["op", "name", "kernel", "isa", "packing"]] + [("macs", c_uint64), ("output", c_int)]


class TensorRow(ctypes.Structure):
    _fields_ = [
        ("name", c_char_p),
        ("type", c_int),
        ("rank", c_int),
        ("shape", c_int32 * MAX_RANK),
        ("bytes", c_size_t),
        ("constant", c_int),
        ("offset", c_size_t),
        ("scale", c_float),
        ("zero", c_int32),
    ]


AFTER = ctypes.CFUNCTYPE(None, c_void_p, c_int)


class Observer(ctypes.Structure):
    _fields_ = [("after", AFTER), ("context", c_void_p)]


class Layout(ctypes.Structure):
    """struct eq_layout: how packed weights lie."""

    _fields_ = [(name, c_int32) for name in ["bits", "groups", "channels", "nr", "kr", "parts", "k"]]


SIGNATURES = {
    "eq_status_text": (c_char_p, [c_int]),
    "eq_cpu_isas": (c_uint32, []),
    "eq_isa_name": (c_char_p, [c_uint32]),
    "eq_crc32c": (c_uint32, [c_uint32, c_char_p, c_size_t]),
    "eq_file_check": (c_int, [POINTER(File), c_void_p, c_size_t]),
    "eq_file_name": (c_char_p, [POINTER(File)]),
    "eq_file_variant_count": (c_int, [POINTER(File)]),
    "eq_file_variant_name": (c_char_p, [POINTER(File), c_int]),
    "eq_plan": (c_int, [POINTER(PlanBytes), POINTER(File), c_int, c_uint32]),
    "eq_prepack": (c_int, [POINTER(File), c_int, c_int, c_uint32, POINTER(Layout), POINTER(c_size_t), c_void_p]),
    "eq_open": (c_int, [POINTER(c_void_p), POINTER(File), c_int, c_uint32, c_void_p, c_size_t]),
    "eq_input_count": (c_int, [c_void_p]),
    "eq_output_count": (c_int, [c_void_p]),
    "eq_input": (c_int, [c_void_p, c_int, POINTER(EdgeRow)]),
    "eq_output": (c_int, [c_void_p, c_int, POINTER(EdgeRow)]),
    "eq_input_tensor": (c_int, [c_void_p, c_int]),
    "eq_output_tensor": (c_int, [c_void_p, c_int]),
    "eq_set_input": (c_int, [c_void_p, c_void_p, c_int, c_int, c_void_p, c_size_t]),
    "eq_input_place": (c_void_p, [c_void_p, c_void_p, c_int]),
    "eq_output_place": (c_void_p, [c_void_p, c_void_p, c_int]),
    "eq_get_output": (c_int, [c_void_p, c_void_p, c_int, c_int, c_void_p, c_size_t]),
    "eq_arena_bytes": (c_size_t, [POINTER(PlanBytes), c_int]),
    "eq_run_on": (c_int, [c_void_p, c_void_p, c_size_t, c_void_p, c_void_p]),
    "eq_threads_start": (c_void_p, [c_int]),
    "eq_threads_stop": (None, [c_void_p]),
    "eq_threads_workers": (c_void_p, [c_void_p]),
    "eq_run": (c_int, [c_void_p, c_void_p, c_size_t, c_void_p]),
    "eq_selftest": (c_int, [c_void_p, c_void_p, c_size_t, POINTER(c_int)]),
    "eq_op_count": (c_int, [c_void_p]),
    "eq_op": (c_int, [c_void_p, c_int, POINTER(OpRow)]),
    "eq_tensor_count": (c_int, [c_void_p]),
    "eq_tensor": (c_int, [c_void_p, c_int, POINTER(TensorRow)]),
}  # type: Dict[str, Tuple[Any, List[Any]]]
_loaded = {}  # type: Dict[str, ctypes.CDLL]


def library() -> ctypes.CDLL:
    """The C library with its signatures set. EDGEQ_LIBRARY names another build of it (the tests use one with sanitizers)."""
    path = os.environ.get("EDGEQ_LIBRARY") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib", "libedgeq.so")
    if path not in _loaded:
        try:
            lib = ctypes.CDLL(path)
            for name, (result, arguments) in SIGNATURES.items():
                function = getattr(lib, name)
                function.restype, function.argtypes = result, arguments
        except (OSError, AttributeError) as error:
            text = "the C library cannot be loaded: {}; build it with: python -m edgeq_runtime.build".format(error)
            raise Error(STATUS_ARGUMENT, text) from error
        _loaded[path] = lib
    return _loaded[path]
