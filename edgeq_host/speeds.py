"""How fast layers are where that has been measured or emulated: what one is expected to cost where a device has no rates of its own.

`python -m bench.costs` prints the tables: on x86-64 thread CPU time, for 64-bit Arm and ARMv7 instructions under QEMU."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgeq_host.bench.problems import Size, family
from edgeq_host.rates import Rate
from edgeq_runtime import lists

# Of the layers in the tables: pixels, channels, inputs of an output. Whole ones: filling rows and scaling outputs is in it.
SIZES: dict[str, tuple[Size, ...]] = {
    "gemm": (*((144, n, k) for n in (4, 32, 128) for k in (9, 27, 72, 576)), (1, 128, 576)),
    "dwconv": ((144, 8, 9), (144, 64, 9)),
}


@dataclass(frozen=True)
class Speeds:
    """unit: us, or instructions; all else is in ns, or instructions. layer: what one takes beside its work. rates: of whole layers, with
    instructions in `ns` where that is the unit. elements: what one that an operator reads takes, by (operator, instruction set)."""

    source: str
    where: str
    unit: str
    layer: float
    rates: tuple[Rate, ...]
    elements: Mapping[tuple[str, str], float]

    def element(self, op: str, isas: Iterable[str]) -> float | None:
        """With the fastest of the instruction sets that has a row."""
        return min((each for isa in isas if (each := self.elements.get((op, isa))) is not None), default=None)


def _table(source: str, where: str, unit: str, layer: float, layers: str, elements: str) -> Speeds:
    """layers: in each line instruction set, kernel, and thousands of ns or instructions by SIZES. elements: of one, by operator."""
    rates = []
    for isa, kernel, *amounts in map(str.split, layers.strip().splitlines()):
        rates += [Rate(kernel, isa, size, 1000 * float(text)) for size, text in zip(SIZES[family(kernel)], amounts, strict=True)]
    each = {(op, isa): float(text) for isa, op, text in map(str.split, elements.strip().splitlines())}
    return Speeds(source, where, unit, layer, tuple(rates), each)


X86_64 = _table(
    "measured",
    "AMD EPYC, 2026-11-29",
    "us",
    57.1,
    """
portable gemm_s8_s16_s8 6.09 7.87 11.8 76.8 29.4 42.7 73.6 582 111 162 280 2280 16
portable gemm_s8_s16_s4 26.7 43.1 58.2 270 171 305 439 2130 701 1240 1750 8600 57.1
portable gemm_s8_s16_s2 25.1 42.5 62.5 307 173 300 462 2430 681 1180 1860 9700 66.1
portable gemm_s8_s16_b1 25.2 38.4 60.2 303 166 264 446 2350 654 1050 1760 9470 63.2
portable gemm_s8_s16_s4x2 32.2 62.8 90.6 528 226 474 683 4060 884 1870 2780 16100 110
portable gemm_s16_s16_s8 6.04 7.05 6.87 17.4 30.6 38.8 39.3 113 118 145 141 436 3.11
portable gemm_b1_b1_b1 15.3 15.5 15.3 18.1 116 117 118 131 461 477 464 524 3.3
portable gemm_s8_b1_b1 16.6 17.1 16.5 19.6 133 133 132 150 531 534 523 599 3.9
portable gemm_f32_f32_f32 12.6 14.7 14.9 53.1 86.7 103 107 409 332 400 421 1860 12
portable dwconv_s8_s8_s8 7.43 59.2
portable dwconv_s8_s8_s4 10.9 86.1
portable dwconv_s8_s8_s4x2 16.5 137
portable dwconv_s16_s16_s8 12.4 47.1
portable dwconv_f32_f32_f32 8.13 53.4
avx2 gemm_s8_s16_s8 3.81 3.81 4.46 13.6 3.41 4.13 5.98 30 6.63 9.59 17.3 105 1.11
avx2 dwconv_s8_s8_s8 0.599 3.43
avx_vnni gemm_s8_u8_s8 0.845 0.991 1.22 4.07 0.784 1.24 1.85 10.7 2.77 4.45 7.01 41.8 0.645
avx_vnni dwconv_s8_u8_s8 0.471 2.04
avx512_vnni gemm_s8_u8_s8 0.304 0.43 0.624 3.23 0.371 0.567 0.889 5.33 1.19 1.94 3.2 20.8 0.489
avx512_vnni dwconv_s8_u8_s8 0.283 0.625
""",
    """
portable add_s16 0.946
portable mul_s16 1.34
portable clip_s16 0.533
portable max_pool2d_s16 0.436
portable avg_pool2d_s16 0.503
portable reduce_s16 0.53
portable quantize_s16 1.19
portable dequantize_s16 0.319
portable requantize_s16 1.25
portable lookup_s16 1.14
portable add_s8 1.01
portable mul_s8 1.21
portable clip_s8 0.0388
portable max_pool2d_s8 0.397
portable avg_pool2d_s8 0.467
portable reduce_s8 0.292
portable quantize_s8 1.23
portable dequantize_s8 0.323
portable requantize_s8 0.289
portable lookup_s8 0.258
portable sign_b1 0.501
portable unpack_s8 0.292
avx2 add_s8 0.0815
avx2 max_pool2d_s8 0.0129
avx2 avg_pool2d_s8 0.0781
avx2 reduce_s8 0.0402
avx2 requantize_s8 0.147
avx2 lookup_s8 0.114
avx512_vnni add_s8 0.0414
avx512_vnni max_pool2d_s8 0.0128
avx512_vnni avg_pool2d_s8 0.0769
avx512_vnni reduce_s8 0.0398
avx512_vnni requantize_s8 0.0545
avx512_vnni lookup_s8 0.0211
""",
)
AARCH64 = _table(
    "emulated",
    "64-bit Arm under QEMU, 2026-11-29",
    "instructions",
    791,
    """
portable gemm_s8_s16_s8 107 143 179 620 450 681 910 3930 1630 2520 3420 15300 107
portable gemm_s8_s16_s4 627 778 936 2900 4540 5690 6900 22100 18000 22500 27400 88000 567
portable gemm_s8_s16_s2 633 829 838 2080 4600 6100 6120 15500 18200 24200 24200 61600 384
portable gemm_s8_s16_b1 637 843 755 1410 4620 6200 5450 10200 18300 24600 21500 40400 237
portable gemm_s8_s16_s4x2 824 1130 1460 5400 6100 8400 10900 40500 24200 33300 43100 161000 1090
portable gemm_s16_s16_s8 102 123 131 366 428 594 659 2260 1550 2210 2470 8740 60.6
portable gemm_b1_b1_b1 237 243 237 253 1830 1890 1830 1960 7320 7530 7320 7820 44.1
portable gemm_s8_b1_b1 249 256 249 265 1970 2020 1970 2090 7860 8060 7860 8350 47.9
portable gemm_f32_f32_f32 96.2 130 175 792 447 715 1000 5380 1650 2720 3840 21100 149
portable dwconv_s8_s8_s8 154 1190
portable dwconv_s8_s8_s4 242 1900
portable dwconv_s8_s8_s4x2 300 2370
portable dwconv_s16_s16_s8 121 282
portable dwconv_f32_f32_f32 142 902
neon gemm_s8_s8_s8 12 14.3 19.1 85.5 48.8 65.4 134 631 175 240 527 2500 20.7
neon dwconv_s8_s8_s8 11.8 68.7
neon_dotprod gemm_s8_s8_s8 11.9 15.4 18.9 67.1 21.7 32.3 44.7 224 81.2 123 170 874 9.69
neon_dotprod dwconv_s8_s8_s8 10.2 55.8
neon_i8mm gemm_s8_s8_s8 26.3 30 32 107 50.2 56.8 66.5 236 132 149 184 681 15.5
""",
    """
portable add_s16 3.05
portable mul_s16 16
portable clip_s16 1.63
portable max_pool2d_s16 1.62
portable avg_pool2d_s16 3.82
portable reduce_s16 2.17
portable quantize_s16 3.76
portable dequantize_s16 1.26
portable requantize_s16 23
portable lookup_s16 15
portable add_s8 2.93
portable mul_s8 21
portable clip_s8 1.7
portable max_pool2d_s8 0.835
portable avg_pool2d_s8 2.9
portable reduce_s8 0.96
portable quantize_s8 4.76
portable dequantize_s8 1.44
portable requantize_s8 5.18
portable lookup_s8 5.01
portable sign_b1 3.32
portable unpack_s8 9.23
neon add_s8 2.37
neon max_pool2d_s8 0.36
neon avg_pool2d_s8 1.29
neon reduce_s8 0.341
neon requantize_s8 1.19
neon lookup_s8 1.01
""",
)
ARMV7 = _table(
    "emulated",
    "ARMv7 under QEMU, 2026-11-29",
    "instructions",
    1950,
    """
portable gemm_s8_s16_s8 204 285 470 2460 635 1150 2430 16600 2110 4120 9130 65100 455
portable gemm_s8_s16_s4 920 1080 1350 4800 6230 7390 9350 35100 24500 29000 36800 139000 898
portable gemm_s8_s16_s2 895 1100 1440 5830 6040 7530 10100 43400 23700 29600 39700 172000 1130
portable gemm_s8_s16_b1 892 1100 1400 5460 6010 7550 9760 40500 23500 29700 38400 161000 1050
portable gemm_s8_s16_s4x2 1130 1450 2020 9160 7900 10300 14400 68300 31100 40500 57000 271000 1830
portable gemm_s16_s16_s8 225 307 506 2710 842 1430 2900 19500 2960 5290 11100 77000 534
portable gemm_b1_b1_b1 407 416 407 398 3120 3190 3120 3040 12500 12800 12500 12100 67.1
portable gemm_s8_b1_b1 444 453 444 455 3510 3590 3510 3600 14000 14300 14000 14400 81.4
portable gemm_f32_f32_f32 235 370 700 4340 1170 2140 4560 31500 4390 8200 17800 125000 869
portable dwconv_s8_s8_s8 175 1330
portable dwconv_s8_s8_s4 321 2510
portable dwconv_s8_s8_s4x2 394 3090
portable dwconv_s16_s16_s8 396 1450
portable dwconv_f32_f32_f32 266 1200
neon_armv7 gemm_s8_s8_s8 48.6 57.1 80.2 303 149 176 257 1070 492 585 863 3720 27.5
neon_armv7 dwconv_s8_s8_s8 32.4 211
""",
    """
portable add_s16 16.1
portable mul_s16 36.1
portable clip_s16 11
portable max_pool2d_s16 10.5
portable avg_pool2d_s16 42.6
portable reduce_s16 7.66
portable quantize_s16 23
portable dequantize_s16 7.01
portable requantize_s16 47
portable lookup_s16 15
portable add_s8 18.1
portable mul_s8 43.1
portable clip_s8 11
portable max_pool2d_s8 10.2
portable avg_pool2d_s8 13
portable reduce_s8 6.56
portable quantize_s8 24
portable dequantize_s8 8.01
portable requantize_s8 6.23
portable lookup_s8 5.01
portable sign_b1 12.2
portable unpack_s8 8.31
neon_armv7 add_s8 2.64
neon_armv7 max_pool2d_s8 0.76
neon_armv7 avg_pool2d_s8 5.44
neon_armv7 reduce_s8 1.28
neon_armv7 requantize_s8 6.23
neon_armv7 lookup_s8 5.01
""",
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


def alone() -> frozenset[str]:
    """Operators of int16 values and of signs that have no products, with or without a kernel of their own."""
    return frozenset(op for op, _ in X86_64.elements if op.endswith("_s16") or op in ("sign_b1", "unpack_s8"))
