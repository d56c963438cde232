"""Latency layer by layer on a board: the agent streams the times of every run, this module makes figures of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgeq_host.errors import LinkError
from edgeq_host.graph import Array
from edgeq_host.layer import Layer
from edgeq_host.link import QUIET_S
from edgeq_host.remote import RemoteModel
from edgeq_host.targets import Target

RUNS, WARMUP = 100, 10


@dataclass(frozen=True)
class Figures:
    """Microseconds."""

    median: float
    p90: float
    p99: float


@dataclass(frozen=True)
class LayerProfile(Layer):
    """share: of the sum of all layers' medians."""

    median_us: float
    p90_us: float
    p99_us: float
    share: float


@dataclass(frozen=True)
class Profile:
    """schema edgeq.profile/1. source: measured, or emulated where the board is an emulator. runs: measured ones, `warmup` came before."""

    name: str
    version: int
    variant: str
    board: str
    source: str
    threads: int
    runs: int
    warmup: int
    latency_us: Figures
    layers: tuple[LayerProfile, ...]


def figures(times_ns: Array) -> Figures:
    median, p90, p99 = np.percentile(times_ns, [50, 90, 99]) / 1000.0
    return Figures(float(median), float(p90), float(p99))


def measure(model: RemoteModel, runs: int, warmup: int, seen: Callable[[int, int], None] | None = None) -> tuple[Array, Array]:
    """Nanoseconds of every run [runs] and of its layers [runs, layers]. seen: runs so far, of how many."""
    totals: list[int] = []
    rows: list[list[int]] = []
    count = len(model.layers())
    with model.refusals():
        for number, total, layer_ns in model.device.profile(runs, warmup):
            if len(layer_ns) != count:
                raise LinkError(f"{model.what}: a run of {len(layer_ns)} layers, the model has {count}", "update edgeq on both sides")
            totals.append(total)
            rows.append(layer_ns)
            if seen is not None:
                seen(number + 1, runs)
    return np.asarray(totals, np.int64), np.asarray(rows, np.int64).reshape(len(totals), -1)


def profile(
    target: Target,
    name: str = "",
    data: bytes | None = None,
    variant: str = "",
    runs: int = RUNS,
    warmup: int = WARMUP,
    quiet_s: float = QUIET_S,
    seen: Callable[[int, int], None] | None = None,
    threads: int = 1,
) -> Profile:
    """An installed model (NAME or NAME@VERSION), or with `data` a file that is not installed."""
    with RemoteModel(target, name, data, variant, quiet_s=quiet_s, threads=threads) as model:
        layers = model.layers()
        totals, rows = measure(model, runs, warmup, seen)
        opened, source = model.opened, model.source()
    each = [figures(column) for column in rows.T]
    whole = sum(f.median for f in each) or 1.0
    table = tuple(
        LayerProfile(**vars(layer), median_us=f.median, p90_us=f.p90, p99_us=f.p99, share=f.median / whole)
        for layer, f in zip(layers, each, strict=True)
    )
    return Profile(
        name, opened.version, opened.variant, target.name, source, opened.threads or 1, len(totals), warmup, figures(totals), table
    )
