"""The edgeq runtime through its C API."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

from edgeq_host.bench import timing
from edgeq_host.bench.timing import Memory, Place
from edgeq_runtime import lists, native

P = ctypes.c_void_p


class _Edge(ctypes.Structure):
    """struct eq_bench_edge."""

    _fields_ = [("index", ctypes.c_int), ("type", ctypes.c_int), ("data", P), ("bytes", ctypes.c_size_t)]


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
        ("profiled", ctypes.c_int),
    ]


class Edgeq(timing.Tensors):
    """A variant of an .eqm file. isas: a mask of instruction sets; None: all. profiled: every layer is stamped, as in a profile."""

    name = "edgeq"

    def __init__(self, data: bytes, variant: str | None = None, isas: int | None = None, profiled: bool = False) -> None:
        self.model = native.Model(data, variant=variant, isas=isas)
        lib = native.library()
        self._inputs, inputs = self._side(self.model.inputs, lib.eq_input_place)
        self._outputs, outputs = self._side(self.model.outputs, lib.eq_output_place)
        functions = [ctypes.cast(getattr(lib, name), P) for name in ("eq_set_input", "eq_run", "eq_get_output")]
        arena = self.model._arena
        self._case = _Case(*functions, self.model._handle, arena.address, arena.size, inputs, outputs, len(inputs), len(outputs), profiled)

    def _side(self, edges: Sequence[Any], place: Callable[[Any, int, int], int | None]) -> tuple[list[Place], Any]:
        """Where the edges lie for whoever fills or reads them, and those of them that are converted in every call."""
        kinds = {t.name: t.id for t in lists.qtypes().values()}
        found: list[Place] = []
        converted = []
        for index, edge in enumerate(edges):
            address = place(self.model._handle, self.model._arena.address, index)
            found.append(Place(address, edge.bytes) if address else Memory(edge.bytes))
            if not address:
                converted.append(_Edge(index, kinds[edge.dtype], found[-1].address, edge.bytes))
        return found, (_Edge * len(converted))(*converted)

    def run(self, n: int) -> int:
        return int(timing.library().eq_bench_edgeq(ctypes.byref(self._case), n))

    @staticmethod
    def version() -> str:
        import edgeq_host

        return edgeq_host.__version__
