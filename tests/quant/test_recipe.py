from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import numpy as np
import pytest

from edgeq_host import metrics, recipe
from edgeq_host.data import Sample
from edgeq_host.errors import UsageError
from edgeq_host.quant import calibrators, methods, precision, seen
from edgeq_host.recipe import Input, Layer, Recipe, Step

FULL = Recipe(
    "int8,w4a8", "percentile", {"percentile": 99.9, "bins": 1024}, 64, False, 7, "top5", ("a", "b"),
    (Layer("conv_*", "w2a8", 32, "w4a8"), Layer("head", group=0)),
    (Step("mse", {"max_bits": 4, "steps": 50}), Step("gptq", {"max_bits": 8, "damping": 0.1, "act_order": True, "prefix": "float"})),
    (Input("image", "x", (96, 64), "crop", "BGR", (1.0, 2.0, 3.0), (4.0,), 0.5), Input("vector", "v", mean=(0.5,))),
)  # fmt: skip


def test_a_recipe_survives_its_file(tmp_path: Path) -> None:
    for item in (Recipe(), Recipe(calibrator="mse"), FULL):
        (tmp_path / "r.toml").write_text(recipe.dumps(item), encoding="utf-8")
        found = recipe.read(tmp_path / "r.toml")
        assert dataclasses.replace(found, options=item.options, step=item.step, calibrator=item.calibrator) == item
        assert found.calibrator == item.calibrator_in_force
        assert found.steps == tuple(Step(s.method, dataclasses.asdict(methods.options(s.method, s.options))) for s in item.in_force(True))
        assert calibrators.options(found.calibrator, dict(found.options)) == calibrators.options(found.calibrator, dict(item.options))
        assert recipe.dumps(found) == recipe.dumps(item)


def test_every_value_is_written_defaults_too() -> None:
    text = recipe.dumps(FULL)
    for field in (f for kind in (Recipe, Input, Layer) for f in dataclasses.fields(kind)):
        assert field.name in text
    assert recipe.dumps(Recipe(calibrator="percentile")) == (
        'precision = "int8"\ncalibrator = "percentile"\nseed = 0\nmetric = "top1"\n'
        '[options]\npercentile = 99.99\nbins = 8192\n[[step]]\nmethod = "bias_correction"\nmax_bits = 8\n'
    )
    assert recipe.dumps(Recipe(input=(Input("vector", mean=(1.0, 2.0)),))).endswith(
        '[[input]]\nkind = "vector"\nmean = [1.0, 2.0]\nstd = [1.0]\nscale = 1.0\n'
    )


def test_the_calibrator_by_default_is_min_max_unless_activations_have_4_or_2_bits() -> None:
    for name in ("int8", "w4a8", "w8a16", "binary", "float32", "int8,w2a8"):
        assert Recipe(name).calibrator_in_force == "minmax" and 'calibrator = "minmax"' in recipe.dumps(Recipe(name))
    for item in (Recipe("w4a4"), Recipe("int8,w8a2"), Recipe(layer=(Layer("c", "w4a4"),))):
        assert item.calibrator_in_force == "auto" and "percentile = 99.9\nsteps = 100\nbins = 8192\n" in recipe.dumps(item)
    assert Recipe("w4a4", "minmax").calibrator_in_force == "minmax"


def test_without_calibration_what_decides_it_is_not_in_force() -> None:
    assert recipe.dumps(Recipe(calibrator="mse"), calibrated=False) == 'precision = "int8"\nseed = 0\nmetric = "top1"\n'


def test_every_key_and_every_value_stands_in_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "quantize.md").read_text(encoding="utf-8")
    steps = [type(methods.options(method, {})) for method in methods.METHODS]
    kinds = (Recipe, Input, Layer, Step, *(type(calibrators.options(method, {})) for method in calibrators.METHODS), *steps)
    keys = [f.name for kind in kinds for f in dataclasses.fields(kind) if f.name not in ("input", "layer", "step", "options")]
    values = [*recipe.KINDS, *recipe.RESIZE_RULES, *recipe.CHANNEL_ORDERS, *calibrators.METHODS, *metrics.NAMES]
    values += [*methods.METHODS, *seen.PREFIXES, "int8", "ternary", "float32"]
    assert [k for k in keys if f"`{k}`" not in page] == [] and [v for v in values if f'`"{v}"`' not in page] == []
    assert all(f"`[[{table}]]`" in page for table in ("input", "layer", "step")) and "`[options]`" in page
    assert [w for w in precision.WEIGHTS if w.isdigit() and f"w{w}" not in page] == []


def test_the_recipes_of_the_page_are_recipes() -> None:
    page = (Path(__file__).parents[2] / "docs" / "quantize.md").read_text(encoding="utf-8")
    found = [recipe.loads(text) for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL)]
    assert len(found) == 3 and found[2].steps == recipe.DEFAULT_STEPS and found[1].layer[1] == Layer("head", "w2a8", 32, "w4a8")


def test_the_metric_in_the_page_counts_as_top1_does(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "quantize.md").read_text(encoding="utf-8")
    (tmp_path / "own.py").write_text(next(b for b in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "def " in b))
    own = metrics.metric(f"{tmp_path}/own.py:top1")
    for label in range(3):
        sample = Sample([], np.array(label))
        scores = [np.array([[0.1, 0.7, 0.2]], np.float32)]
        assert own.value(scores, sample, []) == metrics.metric("top1").value(scores, sample, [])


def test_an_empty_file_is_the_default_recipe() -> None:
    assert recipe.loads("") == Recipe()


def test_whole_numbers_are_legal_where_real_ones_are_meant() -> None:
    found = recipe.loads("[[input]]\nkind = 'image'\nmean = [127]\nstd = 128\n")
    assert found.input[0].mean == (127.0,) and found.input[0].std == (128.0,)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("precision = 'int4'", "w4a8 or w4a4?"),
        ("precision = 'fp16'", "w<weight bits>a<activation bits>"),
        ("precision = 8", "must be of type str"),
        ("seed = true", "must be of type int"),
        ("colour = 1", "precision, calibrator, group, int8_ends, seed, metric, labels, nested, [options], [[layer]], [[step]], [[input]]"),
        ("calibrator = 'kl'", "minmax, moving-average, percentile, mse"),
        ("[options]\npercentile = 99", "no options"),
        ("options = 3", "[options]"),
        ("labels = [1]", "must be of type str"),
        ("input = 3", "[[input]]"),
        ("[[input]]\nname = 'x'", "kind is missing"),
        ("[[input]]\nkind = 'audio'", "image, vector"),
        ("[[input]]\nkind = 'image'\nsigma = 3", "mean, std, scale"),
        ("[[input]]\nkind = 'image'\nsize = [1, 2, 3]", "height and width"),
        ("[[input]]\nkind = 'image'\nresize = 'fill'", "stretch, crop, none"),
        ("[[input]]\nkind = 'image'\nchannels = 'CMYK'", "RGB, BGR, gray"),
        ("[[input]]\nkind = 'image'\nstd = [0.0]", "above 0"),
        ("[[input]]\nkind = 'vector'\nsize = [1, 2]", "kind = 'image'"),
        ("precision = ", "not TOML"),
        ("precision = 'int8,'", "is no precision"),
        ("precision = 'w4a8,w8a8,int8'", "int8 is named twice"),
        ("precision = ['int8']", "must be of type str"),
        ("group = 16", "0 (none), or 32, 64, 128"),
        ("group = -32", "0 (none), or 32, 64, 128"),
        ("group = '32'", "must be of type int"),
        ("group = 9000000000000000000", "0 (none), or 32, 64, 128"),
        ("int8_ends = 1", "must be of type bool"),
        ("layer = 3", "write [[layer]] above each"),
        ("[layer]\nmatch = 'a'", "write [[layer]] above each"),
        ("[[layer]]\nprecision = 'int8'", "match is missing"),
        ("[[layer]]\nmatch = ''", "match is empty"),
        ("[[layer]]\nmatch = 3", "must be of type str"),
        ("[[layer]]\nmatch = 'a'\nbits = 4", "match, precision, group, variant"),
        ("[[layer]]\nmatch = 'a'\nprecision = 'int4'", "w4a8 or w4a4?"),
        ("[[layer]]\nmatch = 'a'\nprecision = 'int8,w4a8'", "is no precision"),
        ("[[layer]]\nmatch = 'a'\ngroup = 7", "0 (none), or 32, 64, 128"),
        ("[[layer]]\nmatch = 'a'\ngroup = true", "must be of type int"),
        ("[[layer]]\nmatch = 'a'\ngroup = 0\nvariant = 'w4a8'", "precision names: int8"),
        ("[[layer]]\nmatch = 'a'", "asks for nothing"),
        ("[options]\npercentile = 99.5", "calibrator 'minmax'"),
        ("precision = 'w4a4'\n[options]\npercentile = 40.0", "(50, 100]"),
        ("precision = 'ternary'\n[[step]]\nmethod = 'twn'\n[[step]]\nmethod = 'mse'", "write 'mse' first"),
        ("step = 3", "write [[step]] above each"),
        ("step = [3]", "write [[step]] above each"),
        ("[[step]]\nmax_bits = 4", "mse, twn, gptq, bias_correction"),
        ("[[step]]\nmethod = 3", "mse, twn, gptq, bias_correction"),
        ("[[step]]\nmethod = '../mse'", "mse, twn, gptq, bias_correction"),
        ("[[step]]\nmethod = 'gptq'\ndamping = nan", "between 1e-06 and 1"),
        ("[[step]]\nmethod = 'gptq'\ndamping = [0.1]", "must be a number"),
        ("[[step]]\nmethod = 'gptq'\nmax_bits = 9", "1 to 8"),
        ("[[step]]\nmethod = 'mse'\nsteps = 1000000", "2 to 10000"),
        ("[[step]]\nmethod = 'mse'\noptions = {}", "its options are: max_bits, steps"),
        ("[[step]]\nmethod = 'gptq'\n[[step]]\nmethod = 'mse'", "write 'mse' first"),
        ("bias_correction = 3", "must be of type bool"),
    ],
)
def test_mistakes_say_what_is_allowed(text: str, answer: str) -> None:
    with pytest.raises(UsageError) as error:
        recipe.loads(text)
    assert answer in error.value.message + error.value.hint


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the recipe"):
        recipe.read(tmp_path / "none.toml")


def test_a_recipe_that_is_nested_deep_or_no_regular_file_is_refused(tmp_path: Path) -> None:
    for text in ("a = " + "[" * 5000, "options" + ".x" * 5000 + " = 1"):
        with pytest.raises(UsageError, match="nested too deep"):
            recipe.loads(text)
    os.mkfifo(tmp_path / "r.toml")
    with pytest.raises(UsageError, match="no regular file"):
        recipe.read(tmp_path / "r.toml")
