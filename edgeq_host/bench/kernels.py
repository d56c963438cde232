"""Every micro-kernel that runs on this CPU, beside what this CPU can do at most: measured in the same rounds."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from edgeq_host.bench import timing
from edgeq_host.bench.timing import Engine, Memory, Row
from edgeq_runtime import lists, native

ROUNDS = 15
# What networks have. gemm: a tile of rows, channels, inputs; dwconv, maxpool, sum: pixels, channels, taps; add, lookup: elements.
_SHAPES = {
    "gemm": ((0, 128, 1152), (0, 128, 64)),
    "dwconv": ((224, 128, 9),),
    "add": ((4096, 1, 1),),
    "lookup": ((4096, 1, 1),),
    "maxpool": ((28, 64, 9),),
    "sum": ((1, 128, 49),),
}
_FLAT = ("add", "lookup")
_NO_PEAK = (*_FLAT, "maxpool", "sum")  # no multiply-adds
_UNITS = {"gemm": "", "dwconv": " taps", "maxpool": " taps", "sum": " taps", "add": " elements", "lookup": " elements"}


@dataclass(frozen=True)
class Peak:
    """A loop of one instruction over independent registers."""

    name: str
    gmacs: float


@dataclass(frozen=True)
class Speed:
    """One kernel on one problem. gmacs: 10^9 multiply-adds (of the families without any: elements read, of add: additions) a second.
    peak, share: of the row's own instruction, where it is known."""

    kernel: str
    isa: str
    shape: str
    gmacs: float
    peak: str
    share: float | None


@dataclass(frozen=True)
class Report:
    """schema edgeq.bench-kernels/1. unmeasured: rows whose family libedgeq-bench does not know, or that this CPU lacks."""

    cpu: str
    peaks: tuple[Peak, ...]
    kernels: tuple[Speed, ...]
    unmeasured: tuple[str, ...]


@dataclass(frozen=True)
class _Case:
    row: Row
    shape: str
    macs: int
    run: Engine


def report(rounds: int = ROUNDS) -> Report:
    rows, unmeasured = _rows()
    cases = {f"row {i}": case for i, case in enumerate(rows)}
    loops = dict(peak_loops())
    ns = timing.interleave({name: c.run for name, c in cases.items()} | {name: run for name, (run, _) in loops.items()}, rounds)
    peaks = {name: macs / ns[name] for name, (_, macs) in loops.items()}
    speeds = tuple(_speed(case, case.macs / ns[name], peaks) for name, case in cases.items())
    return Report(timing.cpu(), tuple(Peak(*p) for p in peaks.items()), speeds, tuple(unmeasured))


def peak_loops() -> Iterator[tuple[str, tuple[Engine, int]]]:
    """The loops that this CPU has, by instruction, with the multiply-adds of a call."""
    lib = timing.library()
    for i in range(lib.eq_bench_peak_count()):
        if lib.eq_bench_peak(i, 1):
            yield lib.eq_bench_peak_name(i).decode(), (partial(lib.eq_bench_peak, i), int(lib.eq_bench_peak_macs(i)))


def _rows() -> tuple[list[_Case], list[str]]:
    lib, here = timing.library(), native.isas().values()
    cases, unmeasured = [], []
    for index in range(lib.eq_bench_row_count()):
        row = Row()
        lib.eq_bench_row(index, ctypes.byref(row))
        if lists.isas()[row.isa.decode()].arch not in ("any", platform.machine()):
            continue
        found = list(_cases(index, row)) if row.isa_bit in here else []
        cases += found
        if not found:
            unmeasured.append(f"{row.kernel.decode()}__{row.isa.decode()}")
    return cases, unmeasured


def _cases(index: int, row: Row) -> Iterator[_Case]:
    lib = timing.library()
    family = row.kernel.decode().partition("_")[0]
    for first, *rest in _SHAPES.get(family, ()):
        shape = (first or row.mr, *rest)
        size = (ctypes.c_size_t * 3)(*shape)
        if need := lib.eq_bench_row_bytes(index, size):
            memory = Memory(need)
            text = "x".join(str(n) for n in shape if n > 1 or family not in _FLAT) + _UNITS[family]
            yield _Case(row, text, shape[0] * shape[1] * shape[2], partial(_run, index, size, memory))


def _run(index: int, size: object, memory: Memory, calls: int) -> int:
    return int(timing.library().eq_bench_row_run(index, size, memory.address, calls))


def _speed(case: _Case, gmacs: float, peaks: dict[str, float]) -> Speed:
    kernel, isa = case.row.kernel.decode(), case.row.isa.decode()
    peak = instruction(kernel, isa, case.row.kr)
    share = gmacs / peaks[peak] if peak in peaks else None
    return Speed(kernel, isa, case.shape, gmacs, peak if share is not None else "", share)


def instruction(kernel: str, isa: str, kr: int) -> str:
    """The peak loop of a row: it follows from its types, its packing and the compiler flags of its instruction set."""
    flags = " ".join(lists.isas()[isa].flags)
    if lists.isas()[isa].arch != "x86_64" or kernel.partition("_")[0] in _NO_PEAK:
        return ""
    wide = "avx512" in flags and "256" not in flags
    register = "zmm" if wide else "ymm"
    if "f32" in kernel:
        return f"vfmadd231ps {register}"
    if "vnni" in flags:
        return f"{'vpdpbusd' if kr >= 4 else 'vpdpwssd'} {register}"
    return f"vpmaddwd+vpaddd {register}"
