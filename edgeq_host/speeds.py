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
    51.6,
    """
portable gemm_s8_s16_s8 6.25 7.99 12 76.8 29.8 43.1 74.6 579 112 165 286 2330 16
portable gemm_s8_s16_s4 26.2 43 58.1 274 173 307 433 2140 706 1250 1770 8660 58.8
portable gemm_s8_s16_s2 26 43.5 63.4 313 177 302 476 2430 684 1200 1860 9740 66.3
portable gemm_s8_s16_b1 25.3 39.3 63.6 302 174 272 452 2410 689 1060 1820 9610 63.6
portable gemm_s8_s16_s4x2 33.1 64.3 92.4 524 219 465 683 4040 864 1840 2720 15800 109
portable gemm_s16_s16_s8 5.9 7 6.85 17.7 29.3 38.5 38.9 116 113 144 134 432 3.07
portable gemm_b1_b1_b1 15 15.2 15.1 17.9 118 120 118 133 465 478 469 535 3.43
portable gemm_s8_b1_b1 17 17.2 17.1 19.6 132 134 134 150 529 543 537 598 3.82
portable gemm_f32_f32_f32 12 12.7 7.58 26.2 82.5 86.5 42.7 180 319 341 163 719 5.09
portable dwconv_s8_s8_s8 7.62 59.8
portable dwconv_s8_s8_s4 11 87
portable dwconv_s8_s8_s4x2 17.3 147
portable dwconv_s16_s16_s8 12 47.3
portable dwconv_f32_f32_f32 6.15 38.1
avx2 gemm_s8_s16_s8 4.14 4.08 4.46 13.7 3.48 4.16 5.96 29.9 6.62 9.61 17.2 105 1.12
avx2 dwconv_s8_s8_s8 0.589 3.45
avx_vnni gemm_s8_u8_s8 0.83 0.975 1.17 4.1 0.816 1.28 1.87 11 2.8 4.56 7.04 42 0.666
avx_vnni dwconv_s8_u8_s8 0.474 2.08
avx512_vnni gemm_s8_u8_s8 0.3 0.438 0.627 3.24 0.378 0.588 0.92 5.62 1.26 2 3.28 21.6 0.492
avx512_vnni dwconv_s8_u8_s8 0.288 0.642
""",
    """
portable add_s16 0.675
portable mul_s16 1.33
portable clip_s16 0.536
portable max_pool2d_s16 0.0702
portable avg_pool2d_s16 0.495
portable reduce_s16 0.499
portable quantize_s16 1.18
portable dequantize_s16 0.324
portable requantize_s16 1.23
portable lookup_s16 1.14
portable add_s8 0.931
portable mul_s8 1.22
portable clip_s8 0.0388
portable max_pool2d_s8 0.416
portable avg_pool2d_s8 0.467
portable reduce_s8 0.286
portable quantize_s8 1.23
portable dequantize_s8 0.333
portable requantize_s8 0.297
portable lookup_s8 0.26
portable sign_b1 0.414
portable unpack_s8 0.31
avx2 add_s8 0.0815
avx2 max_pool2d_s8 0.0134
avx2 avg_pool2d_s8 0.078
avx2 reduce_s8 0.0356
avx2 requantize_s8 0.149
avx2 lookup_s8 0.116
avx512_vnni add_s8 0.0426
avx512_vnni max_pool2d_s8 0.0135
avx512_vnni avg_pool2d_s8 0.0777
avx512_vnni reduce_s8 0.0359
avx512_vnni requantize_s8 0.0551
avx512_vnni lookup_s8 0.0225
""",
)
AARCH64 = _table(
    "emulated",
    "64-bit Arm under QEMU, 2026-11-29",
    "instructions",
    766,
    """
portable gemm_s8_s16_s8 107 143 179 620 450 681 910 3930 1630 2520 3420 15300 107
portable gemm_s8_s16_s4 627 778 937 2900 4540 5690 6900 22100 18000 22500 27400 88000 567
portable gemm_s8_s16_s2 634 829 838 2080 4600 6100 6120 15500 18200 24200 24200 61600 383
portable gemm_s8_s16_b1 637 843 755 1410 4620 6200 5450 10200 18300 24600 21500 40400 236
portable gemm_s8_s16_s4x2 824 1130 1460 5400 6100 8400 10900 40500 24200 33300 43100 161000 1090
portable gemm_s16_s16_s8 102 123 131 366 428 594 659 2260 1550 2210 2470 8740 60.6
portable gemm_b1_b1_b1 237 243 237 253 1830 1890 1830 1960 7320 7530 7320 7820 44.1
portable gemm_s8_b1_b1 249 256 249 265 1970 2020 1970 2090 7860 8060 7860 8350 47.9
portable gemm_f32_f32_f32 96.2 131 175 792 447 715 1000 5380 1650 2720 3840 21100 149
portable dwconv_s8_s8_s8 154 1190
portable dwconv_s8_s8_s4 242 1900
portable dwconv_s8_s8_s4x2 300 2370
portable dwconv_s16_s16_s8 121 282
portable dwconv_f32_f32_f32 142 902
neon gemm_s8_s8_s8 12.2 14.4 19.3 85.6 48.8 65.4 134 631 175 240 527 2500 19.9
neon dwconv_s8_s8_s8 11.8 68.7
neon_dotprod gemm_s8_s8_s8 12.1 15.5 19 67.2 21.7 32.3 44.7 224 81.3 123 170 874 8.84
neon_dotprod dwconv_s8_s8_s8 10.2 55.8
neon_i8mm gemm_s8_s8_s8 26.5 30.2 32.2 107 50.2 56.9 66.5 236 132 149 184 681 14.6
""",
    """
portable add_s16 3.05
portable mul_s16 16
portable clip_s16 1.63
portable max_pool2d_s16 1.42
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
portable avg_pool2d_s8 2.91
portable reduce_s8 0.96
portable quantize_s8 4.76
portable dequantize_s8 1.45
portable requantize_s8 5.18
portable lookup_s8 5.01
portable sign_b1 3.32
portable unpack_s8 9.23
neon add_s8 2.37
neon max_pool2d_s8 0.36
neon avg_pool2d_s8 1.29
neon reduce_s8 0.34
neon requantize_s8 1.18
neon lookup_s8 1.01
""",
)
ARMV7 = _table(
    "emulated",
    "ARMv7 under QEMU, 2026-11-29",
    "instructions",
    1950,
    """
portable gemm_s8_s16_s8 204 285 471 2460 635 1150 2430 16600 2110 4120 9130 65100 455
portable gemm_s8_s16_s4 920 1080 1350 4800 6230 7390 9350 35100 24500 29000 36800 139000 898
portable gemm_s8_s16_s2 896 1100 1440 5830 6040 7530 10100 43400 23700 29600 39700 172000 1130
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
neon_armv7 gemm_s8_s8_s8 49.2 57.7 80.8 303 149 176 257 1070 492 585 863 3720 26.6
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
