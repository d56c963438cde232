"""Guest instructions of whole int8 networks on emulated 64-bit Arm cores, beside LiteRT's.

LiteRT's are those of its own aarch64 wheel (2.3, XNNPACK, one thread), counted in the same way under the same emulator; its Python
call is in them (a few thousand instructions)."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import goals
from bench.arm import guest
from bench.goals import Goal
from edgeq_host.produce import Source, produce
from edgeq_runtime import native

LITERT = {  # instructions on each of CPUS
    "kws_ref_model": (1_886_268, 745_526),
    "vww_96_int8": (3_689_118, 1_918_289),
    "pretrainedResnet_quant": (4_338_951, 1_503_101),
    "ad01_int8": (89_827, 62_599),
    "mobilenet_v2_quantized_1x3x224x224": (114_389_182, 49_890_393),
}
CPUS = ("cortex-a72", "cortex-a76")
MOST_EACH, MOST_MEAN = 1.0, 0.85


@dataclass(frozen=True)
class Count:
    """Of one inference."""

    network: str
    cpu: str
    macs: int
    instructions: int
    litert: int
    largest: dict[str, int]  # by symbol

    @property
    def ratio(self) -> float:
        return self.instructions / self.litert


def sample_of(model: native.Model) -> bytes:
    """Random bytes for its inputs."""
    rng = np.random.default_rng(1)
    return b"".join(rng.integers(0, 256, edge.bytes, np.uint8).tobytes() for edge in model.inputs)


def expected(data: bytes, sample: bytes) -> bytes:
    """The output bytes of the portable kernels on this machine."""
    model, inputs, at = native.Model(data, isas=1), [], 0
    for edge in model.inputs:
        inputs.append(np.frombuffer(sample[at : at + edge.bytes], {"s8": np.int8, "u8": np.uint8}[edge.dtype]).reshape(edge.shape))
        at += edge.bytes
    outputs = model.run(inputs)
    return b"".join(np.ascontiguousarray(y).tobytes() for y in (outputs if isinstance(outputs, list) else [outputs]))


def measure(path: Path, folder: Path) -> Iterator[Count]:
    """On each CPU; other bytes than the portable ones end the run."""
    data = produce(Source(path)).data
    model, pack = native.Model(data), folder / f"{path.stem}.eqm"
    pack.write_bytes(data)
    sample = sample_of(model)
    want = expected(data, sample)
    for cpu, litert in zip(CPUS, LITERT[path.stem], strict=True):
        if guest.infer(cpu, pack, sample) != want:
            sys.exit(f"error: {path.name} gives other bytes on {cpu} than portable kernels do")
        found = guest.instructions(cpu, pack, sample)
        name = goals.NETWORKS[path.stem][0]
        yield Count(name, cpu, int(model.plan.macs), found.total(), litert, dict(found.most_common(6)))


def of_counts(found: Sequence[Count]) -> Iterator[Goal]:
    for cpu in CPUS:
        here = [one for one in found if one.cpu == cpu]
        for one in here:
            yield goals.at_most(f"{one.network} int8 on {cpu}, instructions of LiteRT's", MOST_EACH, one.ratio, "x")
        mean = math.exp(sum(math.log(one.ratio) for one in here) / len(here))
        yield goals.at_most(f"geometric mean of these networks on {cpu}", MOST_MEAN, mean, "x")
