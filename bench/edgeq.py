"""The edgeq runtime through its C API, from an int8 .tflite file: imported, its own scales kept."""

from __future__ import annotations

import ctypes
from pathlib import Path

from edgeq_host.export import Bundle, Variant, to_bytes
from edgeq_host.importers import load
from edgeq_host.quant import quantize
from edgeq_host.recipe import Recipe
from edgeq_runtime import lists, native

P = ctypes.c_void_p


class Case(ctypes.Structure):
    """struct edgeq_case of loop.c."""

    _fields_ = [
        ("set_input", P),
        ("run", P),
        ("get_output", P),
        ("model", P),
        ("arena", P),
        ("arena_bytes", ctypes.c_size_t),
        ("input_type", ctypes.c_int),
        ("output_type", ctypes.c_int),
        ("input", P),
        ("input_bytes", ctypes.c_size_t),
        ("output", P),
        ("output_bytes", ctypes.c_size_t),
    ]


def instruction_sets() -> list[str]:
    return list(native.isas())


class Edgeq:
    """A model with one input and one output, ready to be called by loop.c."""

    def __init__(self, path: Path) -> None:
        graph = quantize(load(path), None, Recipe())
        self.model = native.Model(to_bytes(Bundle(path.stem, [Variant("int8", graph)])))
        lib, plan = native.library(), self.model.plan
        (source,), (sink,) = self.model.inputs, self.model.outputs
        kinds = {t.name: t.id for t in lists.qtypes().values()}
        self.macs = int(plan.macs)
        self.input_bytes, self.output_bytes = int(source.bytes), int(sink.bytes)
        self._input = ctypes.create_string_buffer(self.input_bytes)
        self._output = ctypes.create_string_buffer(self.output_bytes)
        self.case = Case(
            ctypes.cast(lib.eq_set_input, P),
            ctypes.cast(lib.eq_run, P),
            ctypes.cast(lib.eq_get_output, P),
            self.model._handle,
            self.model._arena.address,
            plan.arena_bytes,
            kinds[source.dtype],
            kinds[sink.dtype],
            ctypes.addressof(self._input),
            self.input_bytes,
            ctypes.addressof(self._output),
            self.output_bytes,
        )

    def fill(self, data: bytes) -> None:
        ctypes.memmove(self._input, data, len(data))

    def output(self) -> bytes:
        return self._output.raw
