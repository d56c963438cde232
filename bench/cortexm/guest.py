"""The runtime on emulated Cortex-M machines of QEMU, without firmware: the self-test of the kernels, and models whose instructions are
counted. Emulated: instructions mean something, times do not."""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.arm import guest
from edgeq_runtime import build, firmware, lists
from edgeq_runtime.toolchain import Config

HERE = Path(__file__).parent
QEMU = "qemu-system-arm"
SPECS = "rdimon.specs"  # newlib with semihosting
ALIGN = 64
SHIFT = 7  # of -icount: an instruction is 2^7 ns
ICOUNT = ("-icount", f"shift={SHIFT}")


@dataclass(frozen=True)
class Machine:
    """name: QEMU's. port: in firmware/ports, whose memory it is. blob: where the model lies, beyond any program. hz: SysTick's."""

    name: str
    port: str
    blob: int = 0x200000
    hz: int = 25_000_000


MACHINES = {
    "m3": Machine("mps2-an385", "mps2_an385"),
    "m4": Machine("mps2-an386", "mps2_an386"),
    "m7": Machine("mps2-an500", "mps2_an500"),
    "m33": Machine("mps2-an505", "mps2_an505", 0x10200000),
    "m55": Machine("mps3-an547", "mps3_an547", 0x70000000, 32_000_000),
}


@dataclass(frozen=True)
class Run:
    """What a model did: instructions of its last run by -icount, bytes of its arena and of what it holds beside it, output bytes."""

    instructions: float
    arena_bytes: int
    model_bytes: int
    outputs: bytes


def need_tools() -> None:
    for name, package in ((QEMU, "qemu-system-arm"), (firmware.CC, "gcc-arm-none-eabi")):
        if not shutil.which(name):
            raise guest.Missing(f"{name} is not installed: run tools/install.sh (Debian: apt-get install {package})")
    found = subprocess.run([firmware.CC, f"-print-file-name={SPECS}"], capture_output=True, text=True, check=True).stdout.strip()
    if not Path(found).is_file():
        raise guest.Missing(f"{firmware.CC} has no {SPECS}: run tools/install.sh (Debian: apt-get install libnewlib-arm-none-eabi)")


def isas(core: str) -> int:
    """The mask of the instruction sets that a core's programs have."""
    return sum(1 << isa.bit for name, isa in lists.isas().items() if isa.arch == "any" or name in firmware.CORES[core].isas)


def _enabled(core: str) -> dict[str, bool]:
    """Every kernel of these rows of isa.def and sha256.def, those that a firmware leaves out, too."""
    return firmware.enabled(firmware.port_of(MACHINES[core].port))


@cache
def program(core: str, target: str) -> Path:
    """selftest: every kernel against the portable one. core: a model, by runner.c."""
    need_tools()
    port = MACHINES[core].port
    own = {"selftest": "guards.c", "core": "runner.c"}[target]
    flags = ("-mthumb", *firmware.CORES[core].flags, "-ffunction-sections", "-fdata-sections")
    script = (
        "-nostartfiles",
        f"--specs={SPECS}",
        f"-L{firmware.FOLDER / 'ports' / port}",
        f"-T{HERE / 'link.ld'}",
        f"-Wl,--defsym=blob={MACHINES[core].blob:#x}",
    )
    sources = [HERE / "start.c", HERE / own]
    if "cortexm_mve" in firmware.CORES[core].isas:  # newlib has no copy for vectors, firmware does
        sources.append(firmware.FOLDER / "cortexm" / "memory.c")
    config = Config(firmware.CC, f"cortexm/{core}", flags, tuple(sources), link=script, libraries=("-lm",), chip=True)
    return build.build(target, config, on=_enabled(core))


def run(core: str, target: str, words: Sequence[str] = (), options: tuple[str, ...] = ()) -> str:
    """What a program writes. RuntimeError where it does not end with 0."""
    machine = MACHINES[core]
    semihosting = ("-semihosting-config", ",".join(("enable=on,target=native", *(f"arg={word}" for word in (target, *words)))))
    command = [QEMU, "-M", machine.name, "-nographic", "-monitor", "none", "-serial", "none", *semihosting]
    done = subprocess.run([*command, *options, "-kernel", str(program(core, target))], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{target} on {core} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-500:]}")
    return done.stdout


def _on_model(core: str, model: bytes, sample: bytes, runs: int, mask: int, folder: Path, options: tuple[str, ...]) -> Run:
    padded = model + bytes(-len(model) % ALIGN)
    blob = folder / "blob"
    blob.write_bytes(struct.pack("<4I", len(model), len(sample), runs, mask).ljust(ALIGN, b"\0") + padded + sample)
    loader = ("-device", f"loader,file={blob},addr={MACHINES[core].blob:#x},force-raw=on")
    numbers, outputs = run(core, "core", options=(*loader, *options)).splitlines()
    ticks, arena, held = map(int, numbers.split())
    instructions = ticks * 1e9 / MACHINES[core].hz / (1 << SHIFT)  # SysTick wraps after 2^24 ticks, which is 4 million of them or more
    return Run(instructions, arena, held, bytes.fromhex(outputs))


def infer(core: str, model: bytes, sample: bytes, mask: int | None = None) -> Run:
    """One run, with instructions counted by -icount."""
    with tempfile.TemporaryDirectory() as folder:
        return _on_model(core, model, sample, 1, isas(core) if mask is None else mask, Path(folder), ICOUNT)


def _counted(core: str, model: bytes, sample: bytes, runs: int, mask: int, what: str) -> Counter[str]:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        plugin = ("-plugin", f"{guest.plugin()},{what}=on", "-d", "plugin", "-D", str(log), *ICOUNT)  # what is printed takes as long
        _on_model(core, model, sample, runs, mask, Path(folder), plugin)
        rows = (line.split(maxsplit=1) for line in log.read_text().splitlines())
        return Counter({name: int(count) for count, name in rows})


def count(core: str, model: bytes, sample: bytes, what: str = "weighted", mask: int | None = None) -> Counter[str]:
    """Of one inference by symbol, as the difference of two runs and one: `plain` instructions, or `weighted`, where each register that
    an instruction loads or stores beyond the first counts as one more."""
    mask = isas(core) if mask is None else mask
    twice = _counted(core, model, sample, 2, mask, what)
    twice.subtract(_counted(core, model, sample, 1, mask, what))
    return twice
