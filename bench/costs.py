"""Products for each instruction of whole layers on emulated 64-bit Arm and ARMv7: `python -m bench.costs` prints what edgeq_host/speeds.py
has of them. Everything here is emulated; those of x86-64 are the large problems of `edgeq bench kernels`."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench import layers, signs
from bench.arm import guest
from bench.layers import Layer
from edgeq_host.importers import load
from edgeq_host.produce import Source, pack_graph
from edgeq_host.recipe import Recipe
from edgeq_runtime import build, native

ALL, PORTABLE = (1 << 32) - 1, 1  # masks of instruction sets
CORES = (
    ("qemu-aarch64", "aarch64", "cortex-a53", ALL),
    ("qemu-aarch64", "aarch64", "cortex-a76", ALL),
    ("qemu-aarch64", "aarch64", "max", ALL),
    ("qemu-aarch64", "aarch64", "cortex-a53", PORTABLE),
    ("qemu-arm", "armv7", "cortex-a7", ALL),
    ("qemu-arm", "armv7", "cortex-a7", PORTABLE),
)
DENSE = tuple(Layer(f"FC 16x{k} to 64", "FULLY_CONNECTED", (16, k), (64, k)) for k in (256, 512))
DEPTHWISE = tuple(Layer(f"depthwise 16x16x{c}", "DEPTHWISE_CONV_2D", (1, 16, 16, c), (1, 3, 3, c)) for c in (64, 128))
SIGNS = tuple(Layer(f"1x1 of {k}", "CONV_2D", (1, 1, 16, k), (64, 1, 1, k)) for k in (1024, 2048))
CASES = (
    *((DENSE, name) for name in ("int8", "w4a8", "w2a8", "w1a8", "w8a16", "float32")),
    *((DEPTHWISE, name) for name in ("int8", "w4a8", "w8a16", "float32")),
    (SIGNS, "signs"),
)


def packed(layer: Layer, precision: str) -> bytes:
    if precision == "signs":
        return signs.packed(layer)
    with tempfile.TemporaryDirectory() as folder:
        path = layers.write_tflite(layer, Path(folder), real=precision == "float32")
        return pack_graph(load(path), Source(path, Recipe(precision, int8_ends=False, step=()))).data


def instructions(core: tuple[str, str, str, int], data: bytes, size: int) -> int:
    """Of one inference: two samples less one, so that opening is out."""
    qemu, arch, cpu, isas = core
    program = build.build("runner", build.cross("runner", arch))
    counts = []
    with tempfile.TemporaryDirectory() as folder:
        pack, log = Path(folder) / "layer.eqm", Path(folder) / "log"
        pack.write_bytes(data)
        options = ["-plugin", str(guest.plugin()), "-d", "plugin", "-D", str(log)]
        for samples in (1, 2):
            command = [qemu, "-cpu", cpu, *options, str(program), str(pack), str(isas)]
            subprocess.run(command, input=bytes(samples * size), capture_output=True, check=True)
            counts.append(sum(int(line.split(maxsplit=1)[0]) for line in log.read_text().splitlines()))
    return counts[1] - counts[0]


def products_per_instruction(core: tuple[str, str, str, int], pair: tuple[Layer, ...], precision: str) -> float:
    """On two layers that differ in one size: what surrounds the layer cancels out."""
    few, many = pair
    bytes_each = 4 if precision == "float32" else 1
    before, after = (instructions(core, packed(x, precision), int(np.prod(x.x)) * bytes_each) for x in pair)
    return (many.macs - few.macs) / (after - before)


def rows() -> Iterator[tuple[str, str, str, float]]:
    """CPU, instruction sets, what it computes (the kernel in its portable name), products for each instruction."""
    for core in CORES:
        for pair, precision in CASES:
            kernels = [op.kernel for op in native.Model(packed(pair[0], precision), isas=PORTABLE).ops() if op.macs]
            yield core[2], "all" if core[3] == ALL else "portable", kernels[0], products_per_instruction(core, pair, precision)


def main() -> None:
    guest.need_tools()
    for cpu, isas, kernel, speed in rows():
        print(f"{cpu:12} {isas:9} {kernel:20} {speed:.3g}", flush=True)


if __name__ == "__main__":
    main()
