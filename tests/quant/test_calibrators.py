from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from edgeq_host.errors import UsageError
from edgeq_host.graph import Array
from edgeq_host.quant import calibrators
from edgeq_host.quant.affine import LEVELS, affine
from edgeq_host.quant.histogram import Histogram

random = np.random.default_rng(3)
BATCHES = {
    "normal": [random.normal(size=500).astype(np.float32) for _ in range(20)],
    "relu": [np.maximum(random.normal(size=500), 0).astype(np.float32) for _ in range(20)],
    "outlier": [np.append(random.normal(size=499), 40.0 if i == 7 else 0.5).astype(np.float32) for i in range(20)],
    "growing": [(random.normal(size=500) * 10.0**i).astype(np.float32) for i in range(-9, 11)],
    "negative": [-random.gamma(2.0, size=500).astype(np.float32) for _ in range(20)],
    "constant": [np.full(500, 3.5, np.float32) for _ in range(20)],
    "large constant": [np.full(500, 1e30, np.float32) for _ in range(20)],
    "zero": [np.zeros(500, np.float32) for _ in range(20)],
}


def found(method: str, batches: list[Array], **options: float) -> tuple[float, float]:
    observer = calibrators.make(method, options)
    for batch in batches:
        observer.observe(batch)
    return observer.range(LEVELS)


@pytest.mark.parametrize("name", BATCHES)
def test_minmax_holds_every_value_and_nothing_more(name: str) -> None:
    values = np.concatenate(BATCHES[name])
    assert found("minmax", BATCHES[name]) == (values.min(), values.max())


def test_auto_is_minmax_for_8_and_16_bits_percentile_for_4_and_mse_for_2() -> None:
    for levels, method, values in ((65536, "minmax", {}), (256, "minmax", {}), (16, "percentile", {"percentile": 99.9}), (4, "mse", {})):
        ours, other = calibrators.make("auto", {}), calibrators.make(method, values)
        for batch in BATCHES["outlier"]:
            ours.observe(batch)
            other.observe(batch)
        assert ours.range(levels) == other.range(levels)


@pytest.mark.parametrize("name", BATCHES)
def test_moving_average_is_the_stated_recurrence(name: str) -> None:
    lo, hi = (float(f(BATCHES[name][0])) for f in (np.min, np.max))
    for batch in BATCHES[name][1:]:
        lo, hi = 0.75 * lo + 0.25 * float(batch.min()), 0.75 * hi + 0.25 * float(batch.max())
    assert found("moving-average", BATCHES[name], momentum=0.75) == (lo, hi)


@pytest.mark.parametrize("name", BATCHES)
@pytest.mark.parametrize("percent", [90.0, 99.0, 99.9, 100.0])
def test_percentile_equals_the_percentile_of_all_values_to_one_bin(name: str, percent: float) -> None:
    values = np.concatenate(BATCHES[name]).astype(np.float64)
    lo, hi = found("percentile", BATCHES[name], percentile=percent, bins=4096)
    width = 2 * (max(values.max(), 0) - min(values.min(), 0)) / 4096
    ordered = np.sort(values)
    # between the two values beside the exact place: interpolation differs among definitions
    for got, share in ((lo, 1 - percent / 100), (hi, percent / 100)):
        place = share * values.size
        below, above = ordered[max(int(np.floor(place)) - 1, 0)], ordered[min(int(np.ceil(place)), values.size - 1)]
        assert below - width <= got <= above + width


def test_percentile_100_is_minmax() -> None:
    assert found("percentile", BATCHES["outlier"], percentile=100) == found("minmax", BATCHES["outlier"])


def mean_square(values: Array, lo: float, hi: float) -> float:
    a = affine(lo, hi)
    q = np.clip(np.rint(values / a.scale) + a.zero, -128, 127)
    return float(np.mean((a.scale * (q - a.zero) - values) ** 2))


@pytest.mark.parametrize("name", ["normal", "relu", "outlier", "negative"])
def test_mse_is_not_worse_than_minmax_and_near_the_best_of_an_exhaustive_search(name: str) -> None:
    values = np.concatenate(BATCHES[name]).astype(np.float64)
    got = mean_square(values, *found("mse", BATCHES[name], steps=40))
    lo, hi = min(values.min(), 0.0), max(values.max(), 0.0)
    fractions = np.linspace(1, 1 / 40, 40)
    best = min(mean_square(values, lo * a, hi * b) for a in fractions for b in fractions)
    assert got <= mean_square(values, lo, hi) * (1 + 1e-9)
    assert got <= best * 1.05


def test_mse_clips_a_lone_outlier() -> None:
    values = [np.append(random.normal(size=1_000_000), 30.0).astype(np.float32)]
    assert found("mse", values)[1] < 20


@pytest.mark.parametrize("method", calibrators.METHODS)
@pytest.mark.parametrize("name", ["constant", "large constant", "zero"])
def test_degenerate_values_give_a_usable_quantization(method: str, name: str) -> None:
    a = affine(*found(method, BATCHES[name]))
    value = BATCHES[name][0][:1]
    assert np.isfinite(a.scale) and a.scale > 0
    assert abs(a.dequantize(a.quantize(value)) - value) <= abs(value) * 1e-6


def test_a_histogram_does_not_depend_on_the_order_of_the_values() -> None:
    first, second = Histogram(512), Histogram(512)
    for batch in BATCHES["growing"]:
        first.add(batch)
    for batch in reversed(BATCHES["growing"]):
        second.add(batch)
    assert np.array_equal(first.counts(), second.counts()) and np.array_equal(first.edges(), second.edges())


def test_a_histogram_counts_exactly_and_stays_small() -> None:
    histogram = Histogram(512)
    for batch in BATCHES["growing"]:
        histogram.add(batch)
    values = np.concatenate(BATCHES["growing"]).astype(np.float64)
    edges = histogram.edges()
    exact = [int(((values >= a) & (values < b)).sum()) for a, b in pairwise(edges)]
    assert exact == histogram.counts().tolist() and len(exact) <= 512


@pytest.mark.parametrize(
    ("method", "options", "text"),
    [
        ("kl", {}, "minmax, moving-average, percentile, mse"),
        ("minmax", {"percentile": 99}, "no options"),
        ("percentile", {"momentum": 0.5}, "percentile, bins"),
        ("percentile", {"percentile": 101.0}, "(50, 100]"),
        ("percentile", {"bins": 3}, "bins"),
        ("moving-average", {"momentum": 1.0}, "[0, 1)"),
        ("mse", {"steps": 0}, "steps"),
        ("mse", {"steps": "many"}, "number"),
    ],
)
def test_wrong_options_are_errors_that_name_what_is_allowed(method: str, options: dict[str, float], text: str) -> None:
    with pytest.raises(UsageError) as error:
        calibrators.make(method, options)
    assert text in error.value.message + error.value.hint
