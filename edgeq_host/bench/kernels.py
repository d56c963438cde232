"""Every micro-kernel that runs on this CPU, beside what this CPU can do at most: measured in the same rounds."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from edgeq_host.bench import problems, timing
from edgeq_host.bench.problems import Size
from edgeq_host.bench.timing import Engine, Memory, Row
from edgeq_host.rates import Rate
from edgeq_runtime import lists, native
from edgeq_runtime.native import isa_mask

if TYPE_CHECKING:
    from edgeq_host.bench.board import OnBoard

ROUNDS = 15


@dataclass(frozen=True)
class Peak:
    """A loop of one instruction over independent registers."""

    name: str
    gmacs: float


@dataclass(frozen=True)
class Speed:
    """One kernel on one problem. ns: of a call. gmacs: 10^9 multiply-adds a second; gelems: of the families without any, elements read
    (of add: additions). peak, share: of the row's own instruction, where it is known."""

    kernel: str
    isa: str
    shape: str
    ns: float
    gmacs: float | None
    gelems: float | None
    peak: str = ""
    share: float | None = None


@dataclass(frozen=True)
class Report:
    """schema edgeq.bench-kernels/1. isas: in use. unmeasured: rows without figures: of this machine where their family has no case or the
    instruction set is not in use, of a board with the problem and the reason."""

    board: str
    source: str
    cpu: str
    isas: tuple[str, ...]
    peaks: tuple[Peak, ...]
    kernels: tuple[Speed, ...]
    unmeasured: tuple[str, ...]


@dataclass(frozen=True)
class _Case:
    row: Row
    size: Size
    run: Engine


def report(rounds: int = ROUNDS) -> Report:
    """Of this machine, with the instruction sets of EDGEQ_ISA or all that the CPU has."""
    mask = isa_mask(os.environ.get("EDGEQ_ISA", "")) | 1 << native.isas()["portable"]
    rows, unmeasured = _rows(mask)
    cases = {f"row {i}": case for i, case in enumerate(rows)}
    loops = dict(peak_loops())
    ns = timing.interleave({name: c.run for name, c in cases.items()} | {name: run for name, (run, _) in loops.items()}, rounds)
    peaks = {name: macs / ns[name] for name, (_, macs) in loops.items()}
    speeds = tuple(_beside_peak(case, ns[name], peaks) for name, case in cases.items())
    isas = tuple(name for name, bit in native.isas().items() if mask >> bit & 1)
    return Report("", "measured", timing.cpu(), isas, tuple(Peak(*p) for p in peaks.items()), speeds, tuple(unmeasured))


def of_board(found: OnBoard) -> Report:
    """The same of a device; its CPU's peak is not measured there."""
    known = found.rates
    speeds = tuple(speed(rate) for rate in sorted(known.rates, key=lambda r: (r.kernel, r.isa)))
    return Report(known.device.name, known.source, found.machine, found.isas, (), speeds, found.unmeasured)


def speed(rate: Rate) -> Speed:
    rated = problems.work(rate.size) / rate.ns
    macs = problems.has_macs(rate.kernel)
    return Speed(rate.kernel, rate.isa, problems.text(rate.kernel, rate.size), rate.ns, rated if macs else None, None if macs else rated)


def peak_loops() -> Iterator[tuple[str, tuple[Engine, int]]]:
    """The loops that this CPU has, by instruction, with the multiply-adds of a call."""
    lib = timing.library()
    for i in range(lib.eq_bench_peak_count()):
        if lib.eq_bench_peak(i, 1):
            yield lib.eq_bench_peak_name(i).decode(), (partial(lib.eq_bench_peak, i), int(lib.eq_bench_peak_macs(i)))


def _rows(mask: int) -> tuple[list[_Case], list[str]]:
    lib = timing.library()
    cases, unmeasured = [], []
    for index in range(lib.eq_bench_row_count()):
        row = Row()
        lib.eq_bench_row(index, ctypes.byref(row))
        if lists.isas()[row.isa.decode()].arch not in ("any", platform.machine()):
            continue
        found = list(_cases(index, row)) if lib.eq_bench_row_here(index, mask) else []
        cases += found
        if not found:
            unmeasured.append(f"{row.kernel.decode()}__{row.isa.decode()}")
    return cases, unmeasured


def _cases(index: int, row: Row) -> Iterator[_Case]:
    lib = timing.library()
    for rows, channels, inputs in problems.shapes(row.kernel.decode()):
        shape = rows or int(row.mr), channels, inputs
        size = (ctypes.c_size_t * 3)(*shape)
        if need := lib.eq_bench_row_bytes(index, size):
            memory = Memory(need)
            yield _Case(row, shape, partial(_run, index, size, memory))


def _run(index: int, size: object, memory: Memory, calls: int) -> int:
    return int(timing.library().eq_bench_row_run(index, size, memory.address, calls))


def _beside_peak(case: _Case, ns: float, peaks: dict[str, float]) -> Speed:
    kernel, isa = case.row.kernel.decode(), case.row.isa.decode()
    found, peak = speed(Rate(kernel, isa, case.size, ns)), instruction(kernel, isa, case.row.kr)
    return replace(found, peak=peak, share=found.gmacs / peaks[peak]) if peak in peaks and found.gmacs is not None else found


def instruction(kernel: str, isa: str, kr: int) -> str:
    """The peak loop of a row: it follows from its types, its packing and the compiler flags of its instruction set."""
    flags = " ".join(lists.isas()[isa].flags)
    if lists.isas()[isa].arch != "x86_64" or not problems.has_macs(kernel):
        return ""
    wide = "avx512" in flags and "256" not in flags
    register = "zmm" if wide else "ymm"
    if problems.of_signs(kernel):
        return f"vpxord+vpopcntd+vpaddd {register}" if wide else f"vpxor+vpshufb counts {register}"
    if "f32" in kernel:
        return f"vfmadd231ps {register}"
    if "vnni" in flags:
        return f"{'vpdpbusd' if kr >= 4 else 'vpdpwssd'} {register}"
    return f"vpmaddwd+vpaddd {register}"
