"""The one scale and zero point of an int8 activation, or the scale of an int16 one, and how a range gives them (SPEC.md 1.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq_host.graph import Array, Quant
from edgeq_runtime import rounding

LEVELS = 256
WIDE_LEVELS = 1 << 16  # of int16, which has no zero point
LEVELS_OF = {"s8": LEVELS, "s16": WIDE_LEVELS}  # by type of the activation
_SMALLEST_SCALE = 2.0**-100  # keeps scale products inside float32; no real activation is this small


@dataclass(frozen=True)
class Affine:
    """real = scale * (q - zero); scale is a float32 value. levels: how many integers there are, the middle ones of int8, or int16."""

    scale: float
    zero: int
    levels: int = LEVELS

    @property
    def dtype(self) -> str:
        """A name of qtypes.def."""
        return "s16" if self.levels == WIDE_LEVELS else "s8"

    @property
    def lowest(self) -> int:
        return -(self.levels // 2)

    @property
    def highest(self) -> int:
        return self.levels // 2 - 1

    @property
    def low(self) -> float:
        return self.scale * (self.lowest - self.zero)

    @property
    def high(self) -> float:
        return self.scale * (self.highest - self.zero)

    @property
    def reach(self) -> int:
        """max |q - zero|."""
        return max(self.highest - self.zero, self.zero - self.lowest)

    def quantize(self, x: Array) -> Array:
        if self.levels == WIDE_LEVELS:
            return rounding.quantize_s16(x, self.scale)
        q = rounding.quantize(x, self.scale, self.zero)
        return q if self.levels == LEVELS else np.clip(q, self.lowest, self.highest)

    def dequantize(self, q: Array) -> Array:
        return rounding.dequantize(q, self.scale, self.zero)

    def quant(self) -> Quant:
        return Quant(np.array([self.scale], np.float64), np.array([self.zero], np.int64))

    def clamp(self, lo: float, hi: float) -> dict[str, int]:
        """The attributes lo and hi of an operator for a clamp in real values."""
        bounds = self.quantize(np.array([lo, hi], np.float32))
        return {"lo": int(bounds[0]), "hi": int(bounds[1])}

    def ends(self) -> dict[str, int]:
        """The attributes lo and hi of an operator that clamps to the levels alone."""
        return {"lo": self.lowest, "hi": self.highest}


def affine(lo: float, hi: float, levels: int = LEVELS) -> Affine:
    """The quantization of a range, which is widened to contain 0; a range of nothing but 0 gets scale 1."""
    lo, hi = min(float(lo), 0.0), max(float(hi), 0.0)
    if lo == hi:
        return Affine(1.0, 0, levels)
    if levels == WIDE_LEVELS:
        return Affine(float(np.float32(max(max(-lo, hi) / (levels // 2 - 1), _SMALLEST_SCALE))), 0, levels)
    scale = float(np.float32(max((hi - lo) / (levels - 1), _SMALLEST_SCALE)))
    lowest, highest = -(levels // 2), levels // 2 - 1
    return Affine(scale, int(np.clip(np.rint(lowest - lo / scale), lowest, highest)), levels)


def narrowed(a: Affine, levels: int) -> Affine:
    """The quantization of the same range with as many levels, fewer, or those of int16: what int8 saturates to then has a place, too."""
    if levels == WIDE_LEVELS:
        return Affine(float(np.float32(max(-a.low, a.high + a.scale) / (levels // 2))), 0, levels)
    return a if a.levels == levels else affine(a.low, a.high, levels)


def of(quant: Quant, levels: int = LEVELS) -> Affine:
    """The quantization that a source states for an activation."""
    return Affine(float(np.float32(quant.scale[0])), int(quant.zero[0]), levels)
