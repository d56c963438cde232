"""The loops of a kernel as the compiler writes them, and what the model of a core in llvm-mca takes for them."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeq_runtime import build

LEAST = 19  # older models take Neoverse N1 for Cortex-A57
NAMES = ("llvm-mca", *(f"llvm-mca-{version}" for version in range(30, LEAST - 1, -1)))
ROUNDS = 200
PRODUCTS = {"smmla": 32, "sdot": 16, "smull": 8, "smull2": 8, "smlal": 8, "smlal2": 8, "cnt": 128}
LOADED = {"ldr": 16, "ldp": 32}  # bytes, of vector registers


@dataclass(frozen=True)
class Loop:
    """A block that ends with a jump to its own begin."""

    label: str
    lines: tuple[str, ...]

    @property
    def macs(self) -> int:
        return self._sum(PRODUCTS)

    @property
    def density(self) -> float:
        return self.macs / len(self.lines)

    @property
    def is_single_row(self) -> bool:
        """It loads a weight for every product."""
        return self._sum(LOADED) >= self.macs

    def _sum(self, table: dict[str, int]) -> int:
        return sum(table.get(line.split()[0], 0) for line in self.lines if re.search(r"\b[qv]\d", line))


def loops(kernel: str) -> list[Loop]:
    """Those that multiply."""
    config = build.cross("runner", "aarch64")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "kernel.s"
        command = build.compile_command(config, build.enabled(config.cc), build.CSRC / "kernels" / f"{kernel}.c", target)
        text = ["-S" if word == "-c" else word for word in command if word != "-MMD"]
        subprocess.run([*text, "-Wno-unused-command-line-argument"], check=True)  # zig adds -c
        return list(loops_of(target.read_text(encoding="utf-8")))


def loops_of(assembly: str) -> Iterator[Loop]:
    label, lines = "", list[str]()
    for line in assembly.splitlines():
        if begins := re.match(r"(\S+):", line):
            label, lines = begins[1], []
        elif re.match(r"\t[a-z]", line):
            lines.append(line.partition("//")[0].strip())
            loop = Loop(label, tuple(lines))
            if re.match(r"(b|cbn?z)\b", lines[-1]) and lines[-1].split()[-1] == label and loop.macs:
                yield loop


def tightest(found: Sequence[Loop]) -> Loop:
    return max(found, key=lambda loop: loop.density)


def widest_single_row(found: Sequence[Loop]) -> Loop:
    return max((loop for loop in found if loop.is_single_row), key=lambda loop: loop.macs)


def tool() -> tuple[str, str] | None:
    """An llvm-mca that tells the cores apart, and its version."""
    for name in filter(shutil.which, NAMES):
        version = re.search(r"LLVM version ((\d+)\S*)", subprocess.run([name, "--version"], capture_output=True, text=True).stdout)
        if version and int(version[2]) >= LEAST:
            return name, version[1]
    return None


def macs_per_cycle(name: str, cpu: str, loop: Loop) -> float:
    command = [name, "-mtriple=aarch64", f"-mcpu={cpu}", f"-iterations={ROUNDS}"]
    done = subprocess.run(command, input="\n".join([f"{loop.label}:", *loop.lines, ""]), capture_output=True, text=True, check=True)
    cycles = re.search(r"Total Cycles:\s+(\d+)", done.stdout)
    assert cycles, done.stdout
    return ROUNDS * loop.macs / int(cycles[1])
