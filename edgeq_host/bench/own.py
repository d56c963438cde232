"""The edgeq runtime through its C API."""

from __future__ import annotations

import ctypes

from edgeq_host.bench import timing
from edgeq_host.bench.timing import Memory
from edgeq_runtime import lists, native

P = ctypes.c_void_p


class _Edge(ctypes.Structure):
    """struct eq_bench_edge."""

    _fields_ = [("type", ctypes.c_int), ("data", P), ("bytes", ctypes.c_size_t)]


class _Case(ctypes.Structure):
    """struct eq_bench_edgeq."""

    _fields_ = [
        ("set_input", P),
        ("run", P),
        ("get_output", P),
        ("model", P),
        ("arena", P),
        ("arena_bytes", ctypes.c_size_t),
        ("inputs", ctypes.POINTER(_Edge)),
        ("outputs", ctypes.POINTER(_Edge)),
        ("input_count", ctypes.c_int),
        ("output_count", ctypes.c_int),
    ]


class Edgeq:
    """A variant of an .eqm file. isas: a mask of instruction sets; None: all."""

    name = "edgeq"

    def __init__(self, data: bytes, variant: str | None = None, isas: int | None = None) -> None:
        self.model = native.Model(data, variant=variant, isas=isas)
        lib = native.library()
        self._inputs = [Memory(e.bytes) for e in self.model.inputs]
        self._outputs = [Memory(e.bytes) for e in self.model.outputs]
        kinds = {t.name: t.id for t in lists.qtypes().values()}
        pairs = ((self.model.inputs, self._inputs), (self.model.outputs, self._outputs))
        edges = [(_Edge * len(e))(*(_Edge(kinds[x.dtype], m.address, m.size) for x, m in zip(e, ms, strict=True))) for e, ms in pairs]
        functions = [ctypes.cast(getattr(lib, name), P) for name in ("eq_set_input", "eq_run", "eq_get_output")]
        arena = self.model._arena
        counts = (len(self._inputs), len(self._outputs))
        self._case = _Case(*functions, self.model._handle, arena.address, arena.size, *edges, *counts)

    def run(self, n: int) -> int:
        return int(timing.library().eq_bench_edgeq(ctypes.byref(self._case), n))

    def fill(self, inputs: list[bytes]) -> None:
        for memory, data in zip(self._inputs, inputs, strict=True):
            memory.fill(data)

    def outputs(self) -> list[bytes]:
        """Of the last run."""
        return [memory.bytes() for memory in self._outputs]

    @staticmethod
    def version() -> str:
        import edgeq_host

        return edgeq_host.__version__
