"""What whole layers take: `python -m bench.costs` prints the tables of edgeq_host/speeds.py. x86-64: measured here. 64-bit Arm and ARMv7:
instructions under QEMU. Emulated figures are called that."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import cost_cases as cases
from bench import layers
from bench.arm import guest
from edgeq_host import costs, speeds
from edgeq_host.bench import timing
from edgeq_host.bench.own import Edgeq
from edgeq_host.bench.problems import Size
from edgeq_runtime import build, lists, native

ROUNDS = 15
COPIES = 9  # of an operator that is measured; the difference to one alone is divided by their number


@dataclass(frozen=True)
class Core:
    """arch: of the table. qemu, cpu: empty for this machine. isas: in use."""

    arch: str
    isas: tuple[str, ...]
    qemu: str = ""
    cpu: str = ""


CORES = (
    Core("x86_64", ("portable",)),
    Core("x86_64", ("portable", "avx2")),
    Core("x86_64", ("portable", "avx_vnni")),
    Core("x86_64", ("portable", "avx2", "avx512_vnni")),
    Core("aarch64", ("portable",), "qemu-aarch64", "cortex-a53"),
    Core("aarch64", ("portable", "neon"), "qemu-aarch64", "cortex-a53"),
    Core("aarch64", ("portable", "neon", "neon_dotprod"), "qemu-aarch64", "cortex-a76"),
    Core("aarch64", ("portable", "neon", "neon_dotprod", "neon_i8mm"), "qemu-aarch64", "max"),
    Core("armv7", ("portable",), "qemu-arm", "cortex-a7"),
    Core("armv7", ("portable", "neon_armv7"), "qemu-arm", "cortex-a7"),
)


def mask(core: Core) -> int:
    """Of instruction sets, which need not be those of this machine."""
    return sum(1 << lists.isas()[name].bit for name in core.isas)


def amount(core: Core, data: bytes) -> float:
    """ns, or instructions, of an inference of the first variant."""
    (edge,) = native.Model(data, isas=1).inputs
    data_in = layers.real_noise(edge.bytes // 4) if edge.dtype == "f32" else layers.noise(edge.bytes)
    return _instructions(core, data, data_in) if core.qemu else _ns(core, data, data_in)


def _ns(core: Core, data: bytes, data_in: bytes) -> float:
    engine = Edgeq(data, isas=mask(core))
    engine.fill([data_in])
    return timing.interleave({"it": engine.run}, ROUNDS)["it"]


def _instructions(core: Core, data: bytes, data_in: bytes) -> float:
    """Two samples less one, so that opening is out."""
    program = build.build("runner", build.cross("runner", core.arch))
    counts = []
    with tempfile.TemporaryDirectory() as folder:
        pack, log = Path(folder) / "layer.eqm", Path(folder) / "log"
        pack.write_bytes(data)
        options = ["-plugin", str(guest.plugin()), "-d", "plugin", "-D", str(log)]
        for samples in (1, 2):
            command = [core.qemu, "-cpu", core.cpu, *options, str(program), str(pack), str(mask(core))]
            subprocess.run(command, input=samples * data_in, capture_output=True, check=True)
            counts.append(sum(int(line.split(maxsplit=1)[0]) for line in log.read_text().splitlines()))
    return counts[1] - counts[0]


def around(core: Core) -> tuple[float, float]:
    """What an inference of next to nothing takes, and the smallest layer with products in a network."""
    one, two = (amount(core, cases.layer("gemm", (1, 1, 1), "int8", again)) for again in (False, True))
    return amount(core, cases.operators("clip_s8", 0, cases.LEAST)), two - one


def elements(core: Core) -> Iterator[tuple[str, float]]:
    """Operators, and what an element takes: in int16, of signs, and in int8 where the core has kernels of its own for that."""
    if not any((k.family, k.isa) == ("add", core.isas[-1]) for k in lists.kernels()):
        return
    for op in cases.OPERATORS if core.isas[-1] == "portable" else cases.WITH_KERNELS:
        many, one = (amount(core, cases.operators(op, count)) for count in (1 + COPIES, 1))
        yield op, (many - one) / COPIES / cases.read(op)


def layer(core: Core, kind: str, size: Size, precision: str, beside: float) -> float:
    """beside: what an inference takes without it."""
    if precision in cases.OF_SIGNS:
        return amount(core, cases.of_signs(size, precision, 1)) - amount(core, cases.of_signs(size, precision, 0))
    once = amount(core, cases.layer(kind, size, precision))
    return amount(core, cases.layer(kind, size, precision, again=True)) - once if precision == cases.INT16 else once - beside


def kernels(core: Core) -> Iterator[tuple[str, str, list[float]]]:
    """A kernel, its instruction set, and what a layer of each size of its family takes. Beside portable ones those of int8."""
    fast, (beside, _) = core.isas[-1] != "portable", around(core)
    for kind, sizes in speeds.SIZES.items():
        int8 = costs.int8_kernel(kind, core.isas)
        assert int8 is not None
        for precision, types in cases.PRECISIONS[kind].items():
            if precision == "int8" or not fast:
                found = [layer(core, kind, size, precision, beside) for size in sizes]
                yield f"{kind}_{int8.types if precision == 'int8' else types}", int8.isa if precision == "int8" else "portable", found


def main() -> None:
    asked = sys.argv[1:] or ["x86_64", "aarch64", "armv7"]
    for core in (core for core in CORES if core.arch in asked):
        if core.qemu:
            guest.need_tools()
        elif not set(core.isas) <= set(native.isas()):
            continue
        print(f"# {core.arch}, {' '.join(core.isas)}; a layer beside its work: {around(core)[1]:.3g}", flush=True)
        for name, isa, values in kernels(core):
            print(isa, name, *(f"{value / 1000:.3g}" for value in values), flush=True)
        for op, value in elements(core):
            print(core.isas[-1], op, f"{value:.3g}", flush=True)


if __name__ == "__main__":
    main()
