"""Products of signs on 64-bit Arm: what the inner loop multiplies for each instruction, and a whole convolution beside the same in int8."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench import goals, layers, signs
from bench.arm import guest, mca
from bench.goals import Goal
from bench.layers import CONV3, Layer

KERNEL = "gemm_b1_b1_b1__neon"
PER_INSTRUCTION, PER_CYCLE = 37.6, 85.0
MODELS = ("cortex-a57", "neoverse-n1")
TIMES_INT8 = {"cortex-a72": 7.0, "cortex-a76": 2.5}
ROWS, CHANNELS, DEPTHS = 16, 64, (2048, 3072)  # whole tiles that end in the same way, and whole turns of the loop between


def _count(cpu: str, data: bytes, layer: Layer) -> Counter[str]:
    with tempfile.TemporaryDirectory() as folder:
        pack = Path(folder) / "layer.eqm"
        pack.write_bytes(data)
        x = layer.x[0] * layer.x[1] * layer.x[2] * layer.x[3]
        return guest.instructions(cpu, pack, layers.noise(x))


def products_per_instruction(cpu: str) -> float:
    """On two layers that differ only in the number of inputs: thresholds and all else around the loop cancel out."""
    few, many = (Layer(f"1x1 of {depth}", "CONV_2D", (1, 1, ROWS, depth), (CHANNELS, 1, 1, depth)) for depth in DEPTHS)
    before, after = (_count(cpu, signs.packed(layer), layer)[f"eq_{KERNEL}"] for layer in (few, many))
    return (many.macs - few.macs) / (after - before)


def times_int8(cpu: str, layer: Layer = CONV3) -> float:
    """How many more instructions the layer takes in int8. Both have int8 edges."""
    with tempfile.TemporaryDirectory() as folder:
        int8 = layers.packed(layers.graph(layers.write_tflite(layer, Path(folder))))
    return _count(cpu, int8, layer).total() / _count(cpu, signs.packed(layer), layer).total()


def of_signs() -> Iterator[Goal]:
    yield goals.at_least(f"{KERNEL} on cortex-a72", PER_INSTRUCTION, products_per_instruction("cortex-a72"), "MAC per instruction")
    if found := mca.tool():
        loop = mca.tightest(mca.loops(KERNEL))
        for cpu in MODELS:
            yield goals.at_least(f"{KERNEL}, model of {cpu}", PER_CYCLE, mca.macs_per_cycle(found[0], cpu, loop), "MAC per cycle")
    for cpu, wanted in TIMES_INT8.items():
        what = f"{CONV3.name} of signs on {cpu}, packing, thresholds and unpacking included: instructions of int8"
        yield goals.at_least(what, wanted, times_int8(cpu))
