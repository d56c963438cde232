"""The inner loops of the GEMM kernels for 64-bit Arm: products per executed instruction, and per cycle of a core's model."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import goals, layers
from bench.arm import guest, mca
from bench.goals import Goal

NEON, DOTPROD = "gemm_s8_s8_s8__neon", "gemm_s8_s8_s8__neon_dotprod"
PER_INSTRUCTION = {"cortex-a72": (NEON, 4.4), "cortex-a76": (DOTPROD, 13.1)}
PER_CYCLE = (
    ("cortex-a57", NEON, 7.9),
    ("neoverse-n1", DOTPROD, 31.5),
    ("neoverse-n2", "gemm_s8_s8_s8__neon_i8mm", 63.0),
    ("neoverse-n1", "gemm_s8_s8_s4__neon_dotprod", 29.9),
    ("neoverse-n2", "gemm_s8_s8_s4__neon_i8mm", 51.1),
    ("neoverse-n1", "gemm_s8_s8_s2__neon_dotprod", 24.3),
)
SINGLE_ROW = ("neoverse-n1", DOTPROD, 28.0)
ROWS, CHANNELS, DEPTHS = 16, 64, (256, 512)  # whole tiles, and one band at either depth


def macs_per_instruction(cpu: str, kernel: str) -> float:
    """On two layers that differ only in the number of inputs: requantization and all else around the loop cancel out."""
    (few, before), (many, after) = (_layer(cpu, kernel, depth) for depth in DEPTHS)
    return (many - few) / (after - before)


def _layer(cpu: str, kernel: str, depth: int) -> tuple[int, int]:
    """Products, and instructions in the kernel."""
    layer = layers.Layer(f"FC {ROWS}x{depth} to {CHANNELS}", "FULLY_CONNECTED", (ROWS, depth), (CHANNELS, depth))
    with tempfile.TemporaryDirectory() as folder:
        pack = Path(folder) / "layer.eqm"
        pack.write_bytes(layers.packed(layers.graph(layers.write_tflite(layer, Path(folder)))))
        return layer.macs, guest.instructions(cpu, pack, layers.noise(ROWS * depth))[f"eq_{kernel}"]


def of_loops() -> Iterator[Goal]:
    for cpu, (kernel, wanted) in PER_INSTRUCTION.items():
        yield goals.at_least(f"{kernel} on {cpu}", wanted, macs_per_instruction(cpu, kernel), "MAC per instruction")
    if found := mca.tool():
        yield from _of_models(found[0])


def _of_models(tool: str) -> Iterator[Goal]:
    for cpu, kernel, wanted in PER_CYCLE:
        rate = mca.macs_per_cycle(tool, cpu, mca.tightest(mca.loops(kernel)))
        yield goals.at_least(f"{kernel}, model of {cpu}", wanted, rate, "MAC per cycle")
    cpu, kernel, wanted = SINGLE_ROW
    rate = mca.macs_per_cycle(tool, cpu, mca.widest_single_row(mca.loops(kernel)))
    yield goals.at_least(f"{kernel}, a single row, model of {cpu}", wanted, rate, "MAC per cycle")
