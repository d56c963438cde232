"""Whole int8 networks on an emulated Cortex-M: weighted instructions for each product."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import goals
from bench.arm import networks
from bench.cortexm import guest
from bench.goals import Goal
from edgeq_host.produce import Source, produce
from edgeq_runtime import native

CORE = "m4"
MOST = {"kws_ref_model": 2.2, "ad01_int8": 2.2, "vww_96_int8": 1.6, "pretrainedResnet_quant": 1.6}  # per product


@dataclass(frozen=True)
class Count:
    """Of one inference."""

    network: str
    macs: int
    instructions: int
    weighted: int
    arena_bytes: int
    most: float
    largest: dict[str, int]  # weighted, by symbol

    @property
    def per_mac(self) -> float:
        return self.weighted / self.macs


def measure(path: Path, core: str = CORE) -> Count:
    """Other bytes than the portable ones end the run."""
    data = produce(Source(path)).data
    model = native.Model(data)
    sample = networks.sample_of(model)
    run = guest.infer(core, data, sample)
    if run.outputs != networks.expected(data, sample):
        sys.exit(f"error: {path.name} gives other bytes on {core} than portable kernels do")
    plain, weighted = (guest.count(core, data, sample, what) for what in ("plain", "weighted"))
    name, macs = goals.NETWORKS[path.stem][0], int(model.plan.macs)
    return Count(name, macs, plain.total(), weighted.total(), run.arena_bytes, MOST[path.stem], dict(weighted.most_common(6)))


def of_counts(found: Sequence[Count]) -> Iterator[Goal]:
    for one in found:
        yield goals.at_most(f"{one.network} int8", one.most, one.per_mac, "per MAC")
