"""The goals on x86: what is wanted, what was measured, met or not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench import layers, measure
from bench.measure import Opened, Times
from edgeq_host.bench.compare import Comparison

LIBRARY_BYTES = {"x86_64": 500_000, "aarch64": 400_000, "armv7": 300_000}  # DESIGN.md, "Narrow weights"
OPEN_EXTRA_BYTES = 64 << 10
FIRST_US = 1000.0
TWO_THREADS = 1.6
STAMP_NS, STAMP_SHARE = 15.0, 0.02
NETWORKS = {
    "kws_ref_model": ("kws", 1.5),
    "vww_96_int8": ("vww", 1.35),
    "pretrainedResnet_quant": ("ResNet-8", 1.0),
    "ad01_int8": ("ad01", 1.0),
    "mobilenet_v2_quantized_1x3x224x224": ("MobileNetV2", 1.2),
}
GEOMETRIC_MEAN = 1.25


@dataclass(frozen=True)
class Goal:
    what: str
    wanted: str
    measured: str
    met: bool


def at_least(what: str, wanted: float, found: float, unit: str = "x", more: str = "") -> Goal:
    scale = 100 if unit == "%" else 1
    digits = 0 if unit == "%" else 2
    return Goal(what, f"at least {scale * wanted:.4g} {unit}", f"{scale * found:.{digits}f} {unit}{more}", found >= wanted)


def at_most(what: str, wanted: float, found: float, unit: str) -> Goal:
    digits, exact = {"%": (1, 0), "x": (2, 2), "per MAC": (3, 3)}.get(unit, (0, 0))
    return Goal(what, f"at most {wanted:.{exact}f} {unit}", f"{found:.{digits}f} {unit}", found <= wanted)


def of_layers(found: Mapping[str, Times]) -> Iterator[Goal]:
    for one in (layers.CONV3, layers.GEMM, layers.POINT, layers.POINT_32):
        peers = {name: found[one.name].us[name] for name in ("onnxruntime u8s8", "litert")}
        fastest = min(peers, key=lambda name: peers[name])
        ratio = peers[fastest] / found[one.name].us["edgeq"]
        yield at_least(f"{one.name}, of the faster of onnxruntime u8s8 and LiteRT", 0.95, ratio, more=f" ({fastest})")
    for one in (layers.CONV3, layers.GEMM, layers.FC):
        us = found[one.name].us
        yield at_most(f"{one.name}, signed against unsigned: slower by", 3, 100 * (us["edgeq"] / us["edgeq u8"] - 1), "%")
    us = found[layers.DEPTHWISE.name].us
    yield at_least(f"{layers.DEPTHWISE.name}, of the faster int8 peer", 3, min(us["onnxruntime u8s8"], us["litert"]) / us["edgeq"])
    yield at_least(f"{layers.DEPTHWISE.name}, of the faster float", 2.5, min(us["onnxruntime f32"], us["litert f32"]) / us["edgeq"])
    us = found[layers.FC.name].us
    share = math.prod(layers.FC.weights) / us["edgeq"] / (measure.WIDTH / us["read"])
    yield at_least(f"{layers.FC.name}, weights read, of the bandwidth of reading 1 MiB", 0.8, share, "%")
    for one in (layers.CONV3, layers.GEMM):
        exact = found[one.name].gmacs("edgeq avx2") / measure.peak_gmacs(found[one.name])
        yield at_least(f"{one.name}, AVX2 alone, the same bytes, of the exact 16-bit peak", 0.8, exact, "%")


def fastest_ratio(found: Comparison) -> float:
    """By how much edgeq is faster than the fastest other engine."""
    return min(o.ratio for o in found.others if o.ratio is not None)


def of_networks(found: Sequence[Comparison]) -> Iterator[Goal]:
    ratios = []
    for one in found:
        name, wanted = NETWORKS[one.model]
        ratios.append(fastest_ratio(one))
        yield at_least(f"{name} int8, of the faster of onnxruntime and LiteRT", wanted, ratios[-1])
    yield at_least("geometric mean of these networks", GEOMETRIC_MEAN, math.exp(sum(map(math.log, ratios)) / len(ratios)))


def of_runs(threads: float, stamp: tuple[float, float]) -> Iterator[Goal]:
    yield at_least("two threads on MobileNetV2, wall time, of one", TWO_THREADS, threads)
    ns, share = stamp
    text = f"{ns:.1f} ns a layer, {100 * share:.1f} %"
    yield Goal("profiling kws: a stamp at every layer", "at most 15 ns a layer, or 2 %", text, ns <= STAMP_NS or share <= STAMP_SHARE)


def of_sizes(library: int, opened: Opened, first_us: float) -> Iterator[Goal]:
    yield at_most("the shared library, stripped", LIBRARY_BYTES["x86_64"], library, "bytes")
    extra = opened.allocated - opened.arena - opened.packed
    yield Goal(
        "opening MobileNetV2: bytes beside arena and packed weights",
        f"at most {OPEN_EXTRA_BYTES} bytes",
        f"{extra} bytes ({opened.allocated} allocated, {opened.arena + opened.model} printed before)",
        extra <= OPEN_EXTRA_BYTES,
    )
    yield at_most("from the path of kws to its first output", FIRST_US, first_us, "us")
