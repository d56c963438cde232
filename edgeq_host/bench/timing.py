"""libedgeq-bench through ctypes; interleaved rounds and their medians."""

from __future__ import annotations

import ctypes
import os
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from ctypes import POINTER, c_char_p, c_int, c_size_t, c_uint64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

import edgeq_runtime
from edgeq_host.errors import EdgeqError

ALIGN = 64  # bytes; a cache line, and more than any load of a kernel needs
SAMPLE_NS = 2_000_000  # one sample calls the engine until about this much time has passed: the clock costs hundreds of ns

Engine = Callable[[int], int]  # n calls -> thread CPU ns, 0 where one failed


class Row(ctypes.Structure):
    """struct eq_bench_row."""

    _fields_ = [("kernel", c_char_p), ("isa", c_char_p), ("isa_bit", ctypes.c_uint32), ("mr", c_int), ("nr", c_int), ("kr", c_int)]


_SIZE = POINTER(c_size_t)
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "eq_bench_edgeq": (c_uint64, [c_void_p, c_int]),
    "eq_bench_litert": (c_uint64, [c_void_p, c_int]),
    "eq_bench_ort": (c_uint64, [c_void_p, c_int]),
    "eq_bench_row_count": (c_int, []),
    "eq_bench_row": (None, [c_int, POINTER(Row)]),
    "eq_bench_row_here": (c_int, [c_int, ctypes.c_uint32]),
    "eq_bench_row_bytes": (c_size_t, [c_int, _SIZE]),
    "eq_bench_row_run": (c_uint64, [c_int, _SIZE, c_void_p, c_int]),
    "eq_bench_peak_count": (c_int, []),
    "eq_bench_peak_name": (c_char_p, [c_int]),
    "eq_bench_peak_macs": (c_uint64, [c_int]),
    "eq_bench_peak": (c_uint64, [c_int, c_int]),
    "eq_bench_read": (c_uint64, [c_void_p, c_size_t, c_int]),
}


@cache
def library() -> ctypes.CDLL:
    """The loops in C: no interpreter between two calls."""
    path = Path(edgeq_runtime.__file__).parent / "lib" / "libedgeq-bench.so"
    try:
        loaded = ctypes.CDLL(str(path))
    except OSError as error:
        raise EdgeqError(f"{path}: {error}", "build it with: python -m edgeq_runtime.build bench") from error
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, arguments
    return loaded


class Place:
    """Bytes at an address that somebody else keeps."""

    def __init__(self, address: int, size: int) -> None:
        self.address, self.size = address, size

    def fill(self, data: bytes) -> None:
        assert len(data) == self.size, f"{len(data)} bytes for {self.size}"
        ctypes.memmove(self.address, data, self.size)

    def bytes(self) -> bytes:
        return ctypes.string_at(self.address, self.size)


class Memory(Place):
    """Zeroed bytes at an aligned address."""

    def __init__(self, size: int) -> None:
        self._raw = ctypes.create_string_buffer(size + ALIGN)
        super().__init__(ctypes.addressof(self._raw) + -ctypes.addressof(self._raw) % ALIGN, size)


class Tensors:
    """What an engine reads and writes, in its order: for engines, which set `_inputs` and `_outputs`."""

    _inputs: Sequence[Place]
    _outputs: Sequence[Place]

    def fill(self, inputs: list[bytes]) -> None:
        """For the next call: a model may use the memory of its inputs for something else."""
        for place, data in zip(self._inputs, inputs, strict=True):
            place.fill(data)

    def outputs(self) -> list[bytes]:
        """Of the last run."""
        return [place.bytes() for place in self._outputs]


def interleave(engines: Mapping[str, Engine], rounds: int) -> dict[str, float]:
    """Median ns of one call by engine; every round measures each engine once, so that drift of the machine meets all alike."""
    calls = {name: _calls(name, engine) for name, engine in engines.items()}
    samples: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(rounds):
        for name, engine in engines.items():
            samples[name].append(engine(calls[name]) / calls[name])
    return {name: statistics.median(values) for name, values in samples.items()}


def _calls(name: str, engine: Engine) -> int:
    """Calls a sample, after the engine has warmed up."""
    engine(3)
    once = engine(3) / 3
    if once <= 0:
        raise EdgeqError(f"{name} failed while it was measured", "run edgeq doctor; report it with the model if that is well")
    return max(1, round(SAMPLE_NS / once))


def threads() -> set[str]:
    """Ids of those of this process: an engine that starts some would not be measured by thread CPU time. Others may end meanwhile."""
    return set(os.listdir("/proc/self/task"))


def cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
