"""The weights of one layer while its integers are chosen: what the steps of a recipe read and change.

Rows are output channels, columns the inputs of a channel, tap after tap. A weight stands for unit * q, where unit is the scale of
its channel, times the multiplier of its group where the layer has groups.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgeq_host.quant.exact import total
from edgeq_host.quant.precision import Kind
from edgeq_host.quant.seen import Seen

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

MULTIPLIER_MAX = 127


@dataclass
class Layer:
    """ranges: real size of a step of each group, [O, groups of a row]: what the stage "ranges" chooses.

    columns: the group of each column. cuts: real magnitudes above which a ternary weight is not 0, as `ranges`; None: half a step.
    kept: q is the source's own, with a zero point. scale, multipliers, q: after fix(). shift: what is added to the bias, real.
    within: the least and the most that each of q may become by rounding; None: those of the kind.
    seen: of the calibration samples; None without them.
    """

    name: str
    kind: Kind
    real: Float64
    columns: Int64
    ranges: Float64
    seen: Seen | None = None
    cuts: Float64 | None = None
    kept: bool = False
    zero: int = 0
    scale: Float64 = field(default_factory=lambda: np.zeros(0))
    multipliers: Int64 | None = None
    q: Int64 = field(default_factory=lambda: np.zeros(0, np.int64))
    shift: Float64 | None = None
    within: tuple[Int64, Int64] | None = None

    @property
    def unit(self) -> Float64:
        """Real size of a step of every weight, [O, K] or [O, 1]."""
        if self.multipliers is None:
            return self.scale[:, None]
        return (self.scale[:, None] * self.multipliers)[:, self.columns]

    @property
    def error(self) -> Float64:
        """What rounding takes from each weight, real."""
        return self.real - self.unit * (self.q - self.zero)

    @property
    def counts(self) -> Int64:
        """What each weight counts in the sum of integers."""
        q = self.q - self.zero
        return q if self.multipliers is None else q * self.multipliers[:, self.columns]

    def fix(self, least: Float64, top: int = MULTIPLIER_MAX) -> None:
        """Settle scales, at least `least` a channel, and multipliers of groups, rounded up, from ranges; then round to nearest."""
        widest = self.ranges.max(axis=1)
        if self.ranges.shape[1] == 1:
            self.scale = np.where(least > widest, least, widest)
        else:
            self.scale = np.maximum(least, widest / top)
            self.multipliers = np.clip(np.ceil(self.ranges / self.scale[:, None]), 1, top).astype(np.int64)
        if self.cuts is None:
            self.q = nearest(self.real, self.unit, self.kind)
        else:
            self.q = np.where(np.abs(self.real) > self.cuts[:, self.columns], np.sign(self.real), 0).astype(np.int64)


def parts(columns: Int64) -> list[slice]:
    """The columns of each group, which lie together."""
    ends = [*(np.flatnonzero(np.diff(columns)) + 1).tolist(), len(columns)]
    return [slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def nearest(values: Float64, unit: Float64, kind: Kind) -> Int64:
    """The integer of a kind that stands for a value best."""
    if kind.signs:
        return np.where(values < 0, -1, 1).astype(np.int64)
    return np.clip(np.rint(values / unit), kind.low, kind.high).astype(np.int64)


def widest_ranges(rows: Float64, columns: Int64, kind: Kind, dead: float) -> Float64:
    """Of every group the step with which its extreme weight is the kind's extreme integer; of signs their mean magnitude.

    dead: of a channel whose weights are all 0.
    """
    places = parts(columns)
    found = np.empty((len(rows), len(places)))
    for group, place in enumerate(places):
        part = rows[:, place]
        if kind.signs:
            found[:, group] = total(np.abs(part)) / part.shape[1]
        else:
            found[:, group] = np.maximum(part.max(axis=1) / kind.high, part.min(axis=1) / kind.low)
    channel = found.max(axis=1, keepdims=True)
    return np.where(channel > 0, np.where(found > 0, found, channel / MULTIPLIER_MAX), dead)
