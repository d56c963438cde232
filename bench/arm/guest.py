"""The runtime for 64-bit Arm under qemu-user. Everything here is emulated: instruction counts and bytes mean something, times do not."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections import Counter
from functools import cache
from importlib import import_module, metadata
from pathlib import Path

from edgeq_runtime import build

QEMU = "qemu-aarch64"
CPUS = {  # what the CPU runs, best first
    "cortex-a53": ("neon", "portable"),
    "cortex-a72": ("neon", "portable"),
    "cortex-a76": ("neon_dotprod", "neon", "portable"),
    "max": ("neon_i8mm", "neon_dotprod", "neon", "portable"),  # whatever QEMU has
}


class Missing(Exception):
    """A tool that is not installed; the text says how to get it."""


def need_tools() -> None:
    if not shutil.which(QEMU):
        raise Missing(f"{QEMU} is not installed: run tools/install.sh (Debian: apt-get install qemu-user)")
    try:
        import_module("ziglang")
    except ImportError as error:
        raise Missing("ziglang is not installed: pip install 'edgeq[cross]'") from error


def versions() -> tuple[str, str]:
    """Of QEMU and of zig."""
    qemu = subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
    return qemu, metadata.version("ziglang")


@cache
def program(target: str) -> Path:
    """A target of edgeq_runtime.build, compiled for 64-bit Arm."""
    need_tools()
    return build.build(target, build.cross(target, "aarch64"))


def run(cpu: str, command: list[str | Path], data: bytes = b"", options: tuple[str, ...] = ()) -> bytes:
    """What the program writes."""
    done = subprocess.run([QEMU, "-cpu", cpu, *options, *command], input=data, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} under {cpu} ended with {done.returncode}: {done.stdout[-500:]!r} {done.stderr.decode()}")
    return done.stdout


def infer(cpu: str, pack: Path, samples: bytes, threads: int = 1) -> bytes:
    """The output bytes of all samples; both sides in the types and layouts of the source."""
    return run(cpu, [program("runner"), pack, "-1", str(threads)], samples)


@cache
def plugin() -> Path:
    """count.c for the QEMU of this machine."""
    source, target = Path(__file__).with_name("count.c"), build.BUILD / "bench" / "libcount.so"
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cc", "-std=c11", "-O2", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror", source, "-o", target], check=True)
    return target


def _counted(cpu: str, pack: Path, samples: bytes) -> Counter[str]:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        run(cpu, [program("runner"), pack], samples, ("-plugin", str(plugin()), "-d", "plugin", "-D", str(log)))
        rows = (line.split(maxsplit=1) for line in log.read_text().splitlines())
        return Counter({name: int(count) for count, name in rows})


def instructions(cpu: str, pack: Path, sample: bytes) -> Counter[str]:
    """Guest instructions of one inference by symbol, input and output copied: two samples less one, so that opening is out."""
    twice = _counted(cpu, pack, sample * 2)
    twice.subtract(_counted(cpu, pack, sample))
    return twice
