"""The C runtime through ctypes: Python 3.6 and the standard library; arrays are numpy's where numpy is there.

Memory belongs to Python objects: a file is mapped, model memory and arena are aligned byte buffers. A call into C releases the
interpreter's lock. A Model runs in one thread at a time; `share()` gives another handle over the same weights.
"""

import ctypes
import mmap
import os
from collections import namedtuple
from ctypes import byref, c_char, c_int, c_void_p
from time import perf_counter
from typing import Any, Dict, List, Optional, Tuple, Union

from edgeq_runtime import abi
from edgeq_runtime.abi import STATUS_ARGUMENT, STATUS_MEMORY, IsaError
from edgeq_runtime.abi import Error as Error
from edgeq_runtime.abi import library as library
from edgeq_runtime.buffers import Edge as Edge
from edgeq_runtime.buffers import input_buffer, numpy, type_name, type_row
from edgeq_runtime.threads import Threads

ALIGN = 64
Plan = namedtuple("Plan", "model_bytes arena_bytes activation_bytes scratch_bytes packed_bytes macs")
Op = namedtuple("Op", "op name kernel isa packing macs output")
Tensor = namedtuple("Tensor", "name dtype shape bytes constant offset scale zero")


def _raise(status: int, what: str) -> None:
    if status:
        raise Error(status, "{}: {}".format(what, library().eq_status_text(status).decode("ascii")))


def _text(raw: Optional[bytes]) -> str:
    return (raw or b"").decode("utf-8", "replace")


class Memory:
    """`size` writable bytes at an aligned address. Kept alive by whoever uses the address."""

    def __init__(self, size: int, fill: bytes = b"") -> None:
        try:
            self._raw = ctypes.create_string_buffer(size + ALIGN)
        except (MemoryError, OverflowError) as error:
            raise Error(STATUS_MEMORY, "no memory for {} bytes".format(size)) from error
        start = -ctypes.addressof(self._raw) % ALIGN
        self.size = size
        self.address = ctypes.addressof(self._raw) + start
        self.view = memoryview(self._raw).cast("B")[start : start + size]
        self.view[: len(fill)] = fill


class _Mapped:
    """A file mapped privately: pages are shared between processes, and a mapping starts at a page."""

    def __init__(self, path: str) -> None:
        with open(path, "rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        self.size = len(self._map)
        self.address = ctypes.addressof(c_char.from_buffer(self._map))


def _load(source: Any) -> Tuple[Any, str]:
    """The bytes of a file in aligned memory, and how to call them in an error."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return Memory(len(source), bytes(source)), "model"
    path = os.fspath(source)
    try:
        return (_Mapped(path) if os.path.getsize(path) else Memory(0)), path
    except OSError as error:
        raise Error(STATUS_ARGUMENT, "{}: {}; give the path of an .eqm file".format(path, error.strerror or error)) from error


def checked(memory: Any, what: str) -> abi.File:
    """What the C core says of a file in memory, which must stay there as long as this is used; Error if it refuses."""
    file = abi.File()
    _raise(library().eq_file_check(byref(file), memory.address, memory.size), what)
    return file


def check(data: bytes) -> None:
    """Error if the bytes are not a sound model file."""
    checked(Memory(len(data), data), "model")


def crc32c(data: bytes, before: int = 0) -> int:
    """CRC-32C of data; before: that of the bytes in front of it."""
    return int(library().eq_crc32c(before, bytes(data), len(data)))


def isas() -> Dict[str, int]:
    """Instruction sets that are built in and run on this CPU: bit number by name."""
    mask, names = library().eq_cpu_isas(), {}
    for bit in range(32):
        if mask >> bit & 1:
            names[_text(library().eq_isa_name(bit))] = bit
    return names


def isa_mask(names: str) -> int:
    """The mask of a comma-separated list of instruction sets; all that this CPU has where it is empty."""
    have, mask = isas(), 0
    for name in filter(None, (part.strip() for part in names.split(","))):
        if name not in have:
            raise IsaError(STATUS_ARGUMENT, "no instruction set {!r} on this CPU: have {}".format(name, ", ".join(have)))
        mask |= 1 << have[name]
    return mask or int(library().eq_cpu_isas())


class Model:
    """An open variant of a model file, with an arena of its own.

    source: a path (mapped), or the bytes of a file. variant: its name or number; None: the first. isas: a mask of instruction
    sets; None: those of EDGEQ_ISA (comma-separated names), or all that the CPU has. threads: how many compute; the bytes are the same.
    """

    def __init__(self, source: Any, variant: Union[int, str, None] = None, isas: Optional[int] = None, threads: int = 1) -> None:
        self._lib = lib = library()
        self._source, what = _load(source)
        self._file = checked(self._source, what)
        self.name = _text(self._lib.eq_file_name(byref(self._file)))
        self.sha256 = bytes(bytearray(self._file.sha256)).hex()
        count = self._lib.eq_file_variant_count(byref(self._file))
        self.variants = [_text(self._lib.eq_file_variant_name(byref(self._file), i)) for i in range(count)]
        self.variant = self._find_variant(variant)
        self.isas = isa_mask(os.environ.get("EDGEQ_ISA", "")) if isas is None else isas
        index, raw = self.variants.index(self.variant), abi.PlanBytes()
        _raise(self._lib.eq_plan(byref(raw), byref(self._file), index, self.isas), what)
        self._threads = Threads(threads)
        raw.arena_bytes = lib.eq_arena_bytes(byref(raw), threads)
        self.plan = Plan(*(int(getattr(raw, field)) for field in Plan._fields))
        self._memory = Memory(self.plan.model_bytes)  # type: Any
        handle = c_void_p()
        _raise(self._lib.eq_open(byref(handle), byref(self._file), index, self.isas, self._memory.address, self._memory.size), what)
        self._open = handle  # type: Optional[c_void_p]
        self._arena = Memory(self.plan.arena_bytes)  # type: Any
        self.inputs = [self._edge(i, lib.eq_input, lib.eq_input_tensor) for i in range(lib.eq_input_count(handle))]
        self.outputs = [self._edge(i, lib.eq_output, lib.eq_output_tensor) for i in range(lib.eq_output_count(handle))]

    @property
    def _handle(self) -> c_void_p:
        if self._open is None:
            raise Error(STATUS_ARGUMENT, "{}: the model is closed".format(self.name))
        return self._open

    def close(self) -> None:
        """Let go of the file, the weights and the arena; other handles over them (`share`) stay. More than once is allowed."""
        self._threads.stop()
        self._open = self._source = self._memory = self._arena = None

    def __enter__(self) -> "Model":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _find_variant(self, wanted: Union[int, str, None]) -> str:
        if isinstance(wanted, str) and wanted in self.variants:
            return wanted
        index = 0 if wanted is None else wanted
        if isinstance(index, int) and 0 <= index < len(self.variants):
            return self.variants[index]
        raise Error(STATUS_ARGUMENT, "no variant {!r} in {}: have {}".format(wanted, self.name, ", ".join(self.variants)))

    def _edge(self, index: int, describe: Any, place: Any) -> Edge:
        raw = abi.EdgeRow()
        _raise(describe(self._handle, index, byref(raw)), self.name)
        shape = tuple(raw.shape[: raw.rank])
        tensor = int(place(self._handle, index))
        inner = self._tensor(tensor).dtype
        return Edge(_text(raw.name), shape, type_name(raw.type), int(raw.bytes), raw.scale, raw.zero, inner, int(raw.inner_bytes), tensor)

    def refresh(self) -> bool:
        """Take a newly installed version (store.py): a model from a file stays what it is."""
        return False

    def share(self) -> "Model":
        """Another handle over the same file and weights, with its own arena: for another thread."""
        other = Model.__new__(Model)
        own = {"_open": self._handle, "_arena": Memory(self.plan.arena_bytes), "_threads": Threads(self._threads.count)}
        other.__dict__.update(self.__dict__, **own)
        return other

    def run(self, x: Any) -> Any:
        """One inference. x: the input, or a list of all inputs, in the layout and type of the source (int8: already quantized).

        Returns the output, or a list where the model has several: numpy arrays, or memoryviews where there is no numpy.
        """
        values = list(x) if isinstance(x, (list, tuple)) else [x]
        if len(values) != len(self.inputs):
            text = "{}: {} inputs given, the model takes {}: give an array for each".format(self.name, len(values), len(self.inputs))
            raise Error(STATUS_ARGUMENT, text)
        for index, value in enumerate(values):
            self._set(index, value)
        self._run(None)
        results = [self._get(index) for index in range(len(self.outputs))]
        return results[0] if len(results) == 1 else results

    def _set(self, index: int, value: Any) -> None:
        edge = self.inputs[index]
        kind, data = input_buffer(value, edge, self.name)
        memory = (c_char * data.nbytes).from_buffer_copy(data) if data.readonly else (c_char * data.nbytes).from_buffer(data)
        _raise(self._lib.eq_set_input(self._handle, self._arena.address, index, kind, memory, data.nbytes), self.name)

    def _get(self, index: int) -> Any:
        edge = self.outputs[index]
        kind, _, code = type_row(edge.dtype)
        raw = bytearray(edge.bytes)
        memory = (c_char * edge.bytes).from_buffer(raw)
        _raise(self._lib.eq_get_output(self._handle, self._arena.address, index, kind, memory, edge.bytes), self.name)
        view = memoryview(raw).cast(code, edge.shape)
        return view if numpy is None else numpy.asarray(view)

    def _run(self, observer: Any) -> None:
        arena, workers = self._arena, self._threads.workers()
        _raise(self._lib.eq_run_on(self._handle, arena.address, arena.size, workers, observer), self.name)

    def selftest(self) -> None:
        """Run the samples in the file; Error where an output byte differs from the file's."""
        failed = c_int(-1)
        status = self._lib.eq_selftest(self._handle, self._arena.address, self._arena.size, byref(failed))
        _raise(status, "{}: self-test, sample {}".format(self.name, failed.value))

    def ops(self) -> List[Op]:
        """Operators in the order in which they run."""
        return [self._op(i) for i in range(self._lib.eq_op_count(self._handle))]

    def _op(self, index: int) -> Op:
        raw = abi.OpRow()
        _raise(self._lib.eq_op(self._handle, index, byref(raw)), self.name)
        texts = [_text(value) for value in (raw.op, raw.name, raw.kernel, raw.isa, raw.packing)]
        return Op(*[*texts, int(raw.macs), int(raw.output)])

    def tensors(self) -> List[Tensor]:
        """Every tensor of the variant; `offset` is its place in the arena where it is not constant."""
        return [self._tensor(i) for i in range(self._lib.eq_tensor_count(self._handle))]

    def _tensor(self, index: int) -> Tensor:
        raw = abi.TensorRow()
        _raise(self._lib.eq_tensor(self._handle, index, byref(raw)), self.name)
        shape = tuple(raw.shape[: raw.rank])
        return Tensor(_text(raw.name), type_name(raw.type), shape, int(raw.bytes), bool(raw.constant), int(raw.offset), raw.scale, raw.zero)

    def tensor_bytes(self, index: int) -> memoryview:
        """The bytes of an activation in the arena: valid until something else uses its place."""
        tensor = self._tensor(index)
        if tensor.constant:
            raise Error(STATUS_ARGUMENT, "{}: tensor {} is a constant, not in the arena".format(self.name, index))
        return memoryview(self._arena.view)[tensor.offset : tensor.offset + tensor.bytes]

    def time_ops(self, runs: int) -> List[List[int]]:
        """Nanoseconds of each operator in each of `runs` inferences, one more before to warm up; each includes about 1 us of Python."""
        count = self._lib.eq_op_count(self._handle)
        times = [[] for _ in range(count)]  # type: List[List[int]]
        stamps = []  # type: List[float]
        observer = abi.Observer(abi.AFTER(lambda context, index: stamps.append(perf_counter())), None)
        self._run(None)
        for _ in range(runs):
            stamps[:] = [perf_counter()]
            self._run(byref(observer))
            for index in range(count):
                times[index].append(int((stamps[index + 1] - stamps[index]) * 1e9))
        return times
