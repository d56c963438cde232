"""How fast kernels are where that has been measured or emulated: what a layer is expected to cost where a device has no rates of its own.

x86-64: `edgeq bench kernels` on large problems. 64-bit Arm and ARMv7: `python -m bench.costs`, instructions of a whole layer under QEMU."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgeq_runtime import lists


@dataclass(frozen=True)
class Speeds:
    """products: of a kernel for each ns, or for each instruction, by (kernel, instruction set). unit: what a cost is counted in."""

    source: str
    where: str
    unit: str
    products: Mapping[tuple[str, str], float]

    def cost(self, kernel: str, isa: str, products: int) -> float | None:
        """In units: us or instructions."""
        speed = self.products.get((kernel, isa))
        return None if speed is None else products / speed / (1000 if self.unit == "us" else 1)


def _of(portable: Mapping[str, float], **others: Mapping[str, float]) -> dict[tuple[str, str], float]:
    return {(kernel, isa): speed for isa, speeds in (("portable", portable), *others.items()) for kernel, speed in speeds.items()}


X86_64 = Speeds(
    "measured",
    "AMD EPYC, 2026-11-28",
    "us",
    _of(
        {
            "gemm_s8_s16_s8": 4.73,
            "gemm_s8_s16_s4": 1.33,
            "gemm_s8_s16_s2": 1.18,
            "gemm_s8_s16_b1": 1.20,
            "gemm_s8_s16_s4x2": 0.712,
            "gemm_s16_s16_s8": 26.0,
            "gemm_b1_b1_b1": 21.1,
            "gemm_s8_b1_b1": 22.0,
            "gemm_f32_f32_f32": 15.8,
            "dwconv_s8_s8_s8": 1.46,
            "dwconv_s8_s8_s4": 1.00,
            "dwconv_s8_s8_s4x2": 1.00,
            "dwconv_s16_s16_s8": 1.73,
            "dwconv_f32_f32_f32": 2.10,
        },
        avx2={"gemm_s8_s16_s8": 108, "dwconv_s8_s8_s8": 24.7},
        avx_vnni={"gemm_s8_u8_s8": 258, "dwconv_s8_u8_s8": 47.2},
        avx512_vnni={"gemm_s8_u8_s8": 515, "dwconv_s8_u8_s8": 153},
    ),
)
AARCH64 = Speeds(
    "emulated",
    "64-bit Arm under QEMU, 2026-11-28",
    "instructions",
    _of(
        {
            "gemm_s8_s16_s8": 0.749,
            "gemm_s8_s16_s4": 0.133,
            "gemm_s8_s16_s2": 0.198,
            "gemm_s8_s16_b1": 0.329,
            "gemm_s16_s16_s8": 0.931,
            "gemm_b1_b1_b1": 1.72,
            "gemm_f32_f32_f32": 0.529,
            "dwconv_s8_s8_s8": 0.0698,
            "dwconv_s8_s8_s4": 0.0437,
            "dwconv_s16_s16_s8": 0.123,
            "dwconv_f32_f32_f32": 0.0934,
        },
        neon={"gemm_s8_s8_s8": 4.41, "dwconv_s8_s8_s8": 1.24},
        neon_dotprod={"gemm_s8_s8_s8": 12.4, "dwconv_s8_s8_s8": 1.55},
        neon_i8mm={"gemm_s8_s8_s8": 17.0},
    ),
)
ARMV7 = Speeds(
    "emulated",
    "ARMv7 under QEMU, 2026-11-28",
    "instructions",
    _of(
        {
            "gemm_s8_s16_s8": 0.165,
            "gemm_s8_s16_s4": 0.0839,
            "gemm_s8_s16_s2": 0.0665,
            "gemm_s8_s16_b1": 0.0717,
            "gemm_s16_s16_s8": 0.128,
            "gemm_b1_b1_b1": 1.02,
            "gemm_f32_f32_f32": 0.0870,
            "dwconv_s8_s8_s8": 0.0625,
            "dwconv_s8_s8_s4": 0.0331,
            "dwconv_s16_s16_s8": 0.0375,
            "dwconv_f32_f32_f32": 0.0765,
        },
        neon_armv7={"gemm_s8_s8_s8": 1.27, "dwconv_s8_s8_s8": 0.397},
    ),
)


def of(machine: str, isas: Iterable[str]) -> Speeds | None:
    """Of a kind of machine. None: of one that nobody has measured."""
    arches = {lists.isas()[name].arch for name in isas if name in lists.isas()}
    name = machine.partition(",")[0].partition(" ")[0]
    if "x86_64" in arches or name == "x86_64":
        return X86_64
    if "aarch64" in arches or name in ("aarch64", "arm64"):
        return AARCH64
    return ARMV7 if name.startswith("arm") else None
