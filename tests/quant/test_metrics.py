from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics as sk

from edgeq_host import metrics
from edgeq_host.data import Data, Sample
from edgeq_host.errors import ModelError, UsageError
from edgeq_host.graph import Array
from edgeq_host.metrics import compare, wilson
from edgeq_host.scores import evaluate, outcome, output_sqnr

random = np.random.default_rng(4)
CLASSES = 7
SCORES = random.normal(size=(300, CLASSES)).astype(np.float32)
LABELS = np.where(random.random(300) < 0.6, SCORES.argmax(axis=1), random.integers(0, CLASSES, 300))


class Identity:
    """A model whose output is its input, moved a little."""

    def __init__(self, noise: float = 0.0) -> None:
        self.noise = noise
        self.random = np.random.default_rng(1)

    def run(self, x: Array) -> list[Array]:
        return [(x + self.noise * self.random.normal(size=x.shape)).astype(np.float32)]


def data(x: Array, y: Array | None) -> Data:
    def samples() -> list[Sample]:
        return [Sample([row[None]], None if y is None else np.asarray(y[i])) for i, row in enumerate(x)]

    return Data(None, len(x), y is not None, lambda: iter(samples()))


def test_top1_and_top5_equal_scikit_learn() -> None:
    for name, k in (("top1", 1), ("top5", 5)):
        found = evaluate(Identity(), data(SCORES, LABELS), name)
        assert found.value == pytest.approx(sk.top_k_accuracy_score(LABELS, SCORES, k=k, labels=range(CLASSES)), abs=1e-12)
        assert found.samples == 300 and found.metric == name


def test_of_equal_outputs_the_first_wins_as_in_argmax() -> None:
    x = np.zeros((2, 3), np.float32)
    assert evaluate(Identity(), data(x, np.array([0, 1])), "top1").value == 0.5


def test_auc_equals_scikit_learn_with_ties_and_with_two_outputs() -> None:
    labels = random.integers(0, 2, 200)
    one = np.round(random.normal(size=(200, 1)) + labels[:, None], 1).astype(np.float32)
    assert evaluate(Identity(), data(one, labels), "auc").value == pytest.approx(sk.roc_auc_score(labels, one[:, 0]), abs=1e-12)
    two = random.normal(size=(200, 2)).astype(np.float32)
    shares = np.exp(two)[:, 1] / np.exp(two).sum(axis=1)
    assert evaluate(Identity(), data(two, labels), "auc").value == pytest.approx(sk.roc_auc_score(labels, shares), abs=1e-12)


def test_auc_of_an_autoencoder_ranks_the_reconstruction_error() -> None:
    class Flat:
        def run(self, x: Array) -> list[Array]:
            return [np.zeros_like(x)]

    labels = random.integers(0, 2, 100)
    x = (random.normal(size=(100, 16)) * (1 + labels[:, None])).astype(np.float32)
    assert evaluate(Flat(), data(x, labels), "auc").value == pytest.approx(sk.roc_auc_score(labels, (x**2).mean(axis=1)))


def test_errors_equal_scikit_learn() -> None:
    target = random.normal(size=SCORES.shape)
    assert evaluate(Identity(), data(SCORES, target), "mse").value == pytest.approx(sk.mean_squared_error(target, SCORES))
    assert evaluate(Identity(), data(SCORES, target), "mae").value == pytest.approx(sk.mean_absolute_error(target, SCORES))


def test_without_labels_an_autoencoder_is_held_to_its_input() -> None:
    assert evaluate(Identity(), data(SCORES, None), "mse").value == 0


def test_agreement_is_the_share_of_equal_decisions() -> None:
    found = evaluate(Identity(0.5), data(SCORES, None), "agreement", reference=Identity())
    moved = SCORES.copy()
    model = Identity(0.5)
    moved = np.concatenate([model.run(row[None])[0] for row in SCORES])
    assert found.value == np.mean(moved.argmax(axis=1) == SCORES.argmax(axis=1))


def test_a_metric_of_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("def worst(outputs, label):\n    return abs(outputs[0]).max() - label\n")
    found = evaluate(Identity(), data(SCORES, LABELS), f"{tmp_path}/own.py:worst")
    assert found.value == pytest.approx(np.mean(np.abs(SCORES).max(axis=1) - LABELS))


@pytest.mark.parametrize(
    ("code", "text"),
    [("def f(", "cannot be loaded"), ("def f(a, b):\n    return 1 / 0", "failed: ZeroDivisionError"), ("g = 1", "no function")],
)
def test_mistakes_in_a_metric_of_the_users_own_are_named(tmp_path: Path, code: str, text: str) -> None:
    (tmp_path / "own.py").write_text(code)
    with pytest.raises(UsageError, match=text):
        evaluate(Identity(), data(SCORES, LABELS), f"{tmp_path}/own.py:f")


def test_wilson_equals_the_published_values() -> None:
    low, high = wilson(81, 263)  # Newcombe 1998, table I: 0.2553 to 0.3662
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 20)[0] == 0 and wilson(20, 20)[1] == 1


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_wilson_covers_the_truth_in_about_95_of_100_cases(share: float) -> None:
    draws = random.binomial(400, share, 3000)
    covered = np.mean([low <= share <= high for low, high in (wilson(int(k), 400) for k in draws)])
    assert 0.92 <= covered <= 0.98


def test_the_interval_of_a_mean_covers_the_truth_in_about_95_of_100_cases() -> None:
    mse = metrics.metric("mse")
    labels = np.zeros(100)
    covered = [s.low <= 1 <= s.high for s in (metrics.Outcome(mse, random.normal(1, 2, 100), labels).score for _ in range(2000))]
    assert 0.92 <= np.mean(covered) <= 0.97


def test_the_interval_of_auc_contains_it_and_repeats() -> None:
    labels = random.integers(0, 2, 150)
    x = (random.normal(size=(150, 1)) + labels[:, None]).astype(np.float32)
    one, two = (evaluate(Identity(), data(x, labels), "auc") for _ in range(2))
    assert one == two and one.low < one.value < one.high


def test_a_paired_difference_is_narrower_than_two_intervals_and_says_what_is_noise() -> None:
    first = outcome(Identity(), data(SCORES, LABELS), "top1")
    same = compare(first, outcome(Identity(0.005), data(SCORES, LABELS), "top1"))
    assert same.within_noise and same.high - same.low < 2 * (first.score.high - first.score.low)
    worse = compare(first, outcome(Identity(3.0), data(SCORES, LABELS), "top1"))
    assert worse.value < 0 and not worse.within_noise and worse.low <= worse.value <= worse.high


def test_equal_outcomes_differ_by_nothing_within_a_small_interval() -> None:
    first = outcome(Identity(), data(SCORES, LABELS), "top1")
    found = compare(first, first)
    assert found.value == 0 and found.within_noise and 0 < found.high < 0.02


@pytest.mark.parametrize("name", ["mse", "auc"])
def test_differences_of_other_metrics_are_paired_too(name: str) -> None:
    labels = random.integers(0, 2, 200).astype(np.float32)
    x = (random.normal(size=(200, 1)) + 2 * labels[:, None]).astype(np.float32)
    good, bad = (outcome(Identity(noise), data(x, labels), name) for noise in (0.0, 3.0))
    found = compare(good, bad)
    assert not found.within_noise and found.value == pytest.approx(bad.score.value - good.score.value)
    assert compare(good, good).within_noise


def test_sqnr_is_ten_times_the_logarithm_of_signal_over_noise() -> None:
    x = np.array([3.0, 4.0])
    assert metrics.sqnr_db(x, np.array([3.0, 4.5])) == pytest.approx(20)
    assert metrics.sqnr_db(x, x) == math.inf and metrics.sqnr_db(x * 0, x) == -math.inf
    assert output_sqnr(Identity(0.1), Identity(), data(SCORES, None))[0] == pytest.approx(20, abs=0.5)


@pytest.mark.parametrize(
    ("name", "labels", "kind", "text"),
    [
        ("f1", LABELS, UsageError, "does not exist"),
        ("nothing.py:f", LABELS, UsageError, "no metric at"),
        ("top1", None, UsageError, "needs labels"),
        ("agreement", None, UsageError, "reference"),
        ("top1", LABELS + CLASSES, ModelError, "7 classes"),
        ("top1", SCORES, ModelError, r"label has shape \[7\]"),
        ("auc", np.ones(300), ModelError, "both labels"),
        ("mse", LABELS, ModelError, "target has 1 values"),
    ],
)
def test_metrics_that_do_not_fit_say_why(name: str, labels: Array | None, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        evaluate(Identity(), data(SCORES, labels) if name != "auc" else data(SCORES[:, :1], labels), name)
