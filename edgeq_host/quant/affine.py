"""The one scale and zero point of an int8 activation, and how a range gives them (SPEC.md 1.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq_host.graph import Array, Quant
from edgeq_runtime import rounding

LOWEST, HIGHEST = -128, 127
_SMALLEST_SCALE = 2.0**-100  # keeps scale products inside float32; no real activation is this small


@dataclass(frozen=True)
class Affine:
    """real = scale * (q - zero); scale is a float32 value."""

    scale: float
    zero: int

    @property
    def low(self) -> float:
        return self.scale * (LOWEST - self.zero)

    @property
    def high(self) -> float:
        return self.scale * (HIGHEST - self.zero)

    @property
    def reach(self) -> int:
        """max |q - zero|."""
        return max(HIGHEST - self.zero, self.zero - LOWEST)

    def quantize(self, x: Array) -> Array:
        return rounding.quantize(x, self.scale, self.zero)

    def dequantize(self, q: Array) -> Array:
        return rounding.dequantize(q, self.scale, self.zero)

    def quant(self) -> Quant:
        return Quant(np.array([self.scale], np.float64), np.array([self.zero], np.int64))

    def clamp(self, lo: float, hi: float) -> dict[str, int]:
        """The attributes lo and hi of an int8 operator for a clamp in real values."""
        bounds = self.quantize(np.array([lo, hi], np.float32))
        return {"lo": int(bounds[0]), "hi": int(bounds[1])}


def affine(lo: float, hi: float) -> Affine:
    """The quantization of a range, which is widened to contain 0; a range of nothing but 0 gets scale 1."""
    lo, hi = min(float(lo), 0.0), max(float(hi), 0.0)
    if lo == hi:
        return Affine(1.0, 0)
    scale = float(np.float32(max((hi - lo) / (HIGHEST - LOWEST), _SMALLEST_SCALE)))
    return Affine(scale, int(np.clip(np.rint(LOWEST - lo / scale), LOWEST, HIGHEST)))


def of(quant: Quant) -> Affine:
    """The quantization that a source states for an activation."""
    return Affine(float(np.float32(quant.scale[0])), int(quant.zero[0]))
