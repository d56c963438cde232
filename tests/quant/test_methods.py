"""Steps that choose ranges, and the order in which steps may stand."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq_host.data import Data, Sample
from edgeq_host.errors import UsageError
from edgeq_host.graph import Array
from edgeq_host.produce import Source, pack_graph
from edgeq_host.quant import methods
from edgeq_host.quant.layer import Layer, nearest, widest_ranges
from edgeq_host.quant.methods import METHODS, bias_correction, mse, options, twn
from edgeq_host.quant.precision import WEIGHTS, Kind
from edgeq_host.recipe import Recipe, Step
from tests.quant.graphs import residual, samples

random = np.random.default_rng(3)
ROWS = {
    "normal": random.normal(size=(6, 200)),
    "outlier": np.concatenate([random.normal(size=(6, 199)), np.full((6, 1), 12.0)], axis=1),
    "one sided": random.gamma(2.0, size=(6, 200)),
    "constant": np.full((2, 50), -0.25),
    "sparse": random.normal(size=(4, 300)) * (random.random((4, 300)) < 0.02),
}


def layer(rows: Array, kind: Kind, group: int = 0) -> Layer:
    columns = np.arange(rows.shape[1]) // group if group else np.zeros(rows.shape[1], np.int64)
    return Layer("layer", kind, rows, columns, widest_ranges(rows, columns, kind, 1e-9))


def change(rows: Array, step: Array, kind: Kind) -> Array:
    return ((rows - step[:, None] * nearest(rows, step[:, None], kind)) ** 2).sum(axis=1)


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("data", ROWS)
def test_the_widest_range_clips_nothing(data: str, name: str) -> None:
    kind, rows = WEIGHTS[name], ROWS[data]
    made = layer(rows, kind)
    made.fix(np.zeros(len(rows)))
    assert made.q.min() >= kind.low and made.q.max() <= kind.high
    if not kind.signs:
        assert (np.abs(made.error) <= made.unit / 2 * (1 + 1e-12)).all()
        assert (((made.q == kind.low) | (made.q == kind.high)).any(axis=1) | ~rows.any(axis=1)).all()


@pytest.mark.parametrize("name", [n for n in WEIGHTS if n != "8"])
@pytest.mark.parametrize("data", ROWS)
def test_mse_changes_weights_less_than_any_range_that_is_tried(data: str, name: str) -> None:
    kind, rows = WEIGHTS[name], ROWS[data]
    made = layer(rows, kind)
    widest = made.ranges[:, 0].copy()
    mse.apply(made, mse.Options())
    found = change(rows, made.ranges[:, 0], kind)
    assert all((found <= change(rows, widest * share, kind)).all() for share in np.linspace(1.0, 0.01, 100))


def test_mse_of_signs_and_of_a_fine_search_is_the_best_there_is() -> None:
    rows = ROWS["normal"]
    made = layer(rows, WEIGHTS["1"])
    mse.apply(made, mse.Options())
    assert np.allclose(made.ranges[:, 0], np.abs(rows).mean(axis=1), rtol=1e-12)
    made = layer(rows, WEIGHTS["ternary"])
    mse.apply(made, mse.Options())
    fine = np.min([change(rows, np.abs(rows).max(axis=1) * s, made.kind) for s in np.linspace(0.001, 1, 5000)], axis=0)
    assert (change(rows, made.ranges[:, 0], made.kind) <= 1.002 * fine).all()


def test_ranges_of_groups_are_those_of_their_weights_alone() -> None:
    rows = ROWS["normal"][:, :192] * np.repeat([1, 10, 0.01], 64)
    whole = layer(rows, WEIGHTS["4"], 64)
    mse.apply(whole, mse.Options())
    for group in range(3):
        alone = layer(rows[:, 64 * group : 64 * group + 64], WEIGHTS["4"])
        mse.apply(alone, mse.Options())
        assert np.array_equal(alone.ranges[:, 0], whole.ranges[:, group])


def test_multipliers_are_one_byte_rounded_up_and_the_largest_is_127() -> None:
    rows = ROWS["normal"][:, :192] * np.repeat([1, 10, 0.01], 64)
    made = layer(rows, WEIGHTS["4"], 64)
    made.fix(np.zeros(len(rows)))
    assert made.multipliers.shape == (6, 3) and (made.multipliers.max(axis=1) == 127).all() and made.multipliers.min() >= 1
    real = made.scale[:, None] * made.multipliers
    assert (real >= made.ranges * (1 - 1e-12)).all() and (real - made.ranges <= made.scale[:, None]).all()
    assert np.abs(made.counts).max() > 127 and np.array_equal(made.counts, made.q * made.multipliers[:, made.columns])
    assert np.allclose(made.error, rows - made.scale[:, None] * made.counts)


def test_a_group_without_weights_has_a_multiplier_and_stays_0() -> None:
    rows = np.concatenate([ROWS["normal"][:, :64], np.zeros((6, 64))], axis=1)
    made = layer(rows, WEIGHTS["2"], 64)
    mse.apply(made, mse.Options())
    made.fix(np.zeros(6))
    assert made.multipliers.min() >= 1 and (made.multipliers[:, 0] == 127).all() and not made.q[:, 64:].any()


def test_twn_is_its_formula() -> None:
    rows = ROWS["normal"]
    made = layer(rows, WEIGHTS["ternary"])
    twn.apply(made, twn.Options())
    made.fix(np.zeros(len(rows)))
    cut = 0.7 * np.abs(rows).mean(axis=1)
    for row, at, scale, q in zip(rows, cut, made.scale, made.q, strict=True):
        assert scale == pytest.approx(np.abs(row[np.abs(row) > at]).mean(), rel=1e-12)
        assert np.array_equal(q, np.where(np.abs(row) > at, np.sign(row), 0))
    zeros = (made.q == 0).mean()
    assert 0.3 < zeros < 0.6


def test_twn_leaves_other_widths_alone_and_rows_of_zeros_as_they_are() -> None:
    made = layer(ROWS["normal"], WEIGHTS["2"])
    before = made.ranges.copy()
    twn.apply(made, twn.Options())
    assert np.array_equal(made.ranges, before) and made.cuts is None
    dead = layer(np.zeros((2, 8)), WEIGHTS["ternary"])
    twn.apply(dead, twn.Options())
    dead.fix(np.zeros(2))
    assert not dead.q.any() and (dead.scale > 0).all()


def test_bias_correction_without_samples_shifts_nothing() -> None:
    made = layer(ROWS["normal"], WEIGHTS["4"])
    made.fix(np.zeros(6))
    bias_correction.apply(made, bias_correction.Options())
    assert made.shift is None


@pytest.mark.parametrize(
    ("steps", "answer"),
    [
        (("gptq", "mse"), "write 'mse' first"),
        (("bias_correction", "gptq"), "write 'gptq' first"),
        (("bias_correction", "twn"), "write 'twn' first"),
        (("mse", "gptq", "gptq"), "stands twice"),
        (("mse", "twn", "mse"), "stands twice"),
    ],
)
def test_steps_in_an_order_that_undoes_them_are_refused(steps: tuple[str, ...], answer: str) -> None:
    with pytest.raises(UsageError) as error:
        Recipe("w4a8", step=tuple(Step(s) for s in steps))
    assert answer in error.value.message + error.value.hint


@pytest.mark.parametrize("method", METHODS)
def test_options_out_of_bounds_are_refused_by_every_method(method: str) -> None:
    for values, answer in (({"max_bits": 0}, "1 to 8"), ({"max_bits": True}, "whole number"), ({"colour": 1}, "its options are: max_bits")):
        with pytest.raises(UsageError) as error:
            options(method, values)
        assert answer in error.value.message + error.value.hint


@pytest.mark.parametrize(
    ("method", "values", "answer"),
    [
        ("mse", {"steps": 1}, "2 to 10000"),
        ("mse", {"steps": 2.5}, "whole number"),
        ("twn", {"cut": 1.0}, "between 0 and 1"),
        ("twn", {"cut": float("nan")}, "between 0 and 1"),
        ("gptq", {"damping": 0}, "between 1e-06 and 1"),
        ("gptq", {"damping": float("inf")}, "between 1e-06 and 1"),
        ("gptq", {"damping": "much"}, "a number"),
        ("gptq", {"act_order": 1}, "true or false"),
        ("gptq", {"prefix": "int8"}, "float, quantized"),
        ("gptq", {"prefix": 3}, "text"),
        ("adaround", {}, "mse, twn, gptq, bias_correction"),
    ],
)
def test_wrong_options_say_what_is_allowed(method: str, values: dict[str, object], answer: str) -> None:
    with pytest.raises(UsageError) as error:
        options(method, values)
    assert answer in error.value.message + error.value.hint


def test_a_step_that_touches_no_layer_is_said() -> None:
    twn, mse = ("twn", {}), ("mse", {"max_bits": 4})
    for kind in ("4", "1"):
        assert list(methods.idle([twn], [WEIGHTS[kind]])) == ["step 'twn' touches no layer: it is for ternary weights"]
    assert list(methods.idle([mse], [WEIGHTS["8"]])) == ["step 'mse' touches no layer: max_bits = 4, and no weights have so few bits"]
    assert not list(methods.idle([twn, mse], [WEIGHTS["ternary"]])) and not list(methods.idle([mse, ("gptq", {})], [WEIGHTS["4"]]))
    graph = residual()
    data = Data(None, 4, False, lambda: iter([Sample(x, None) for x in samples(graph, 4)]))
    source = Source(None, Recipe("w4a8", step=(Step("twn"), Step("gptq"))), data, name="m")
    assert any("'twn' touches no layer" in w for w in pack_graph(graph, source).warnings)
