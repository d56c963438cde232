"""The size of a file is foretold to the byte: of every network, in every width, with several variants, from every kind of source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgeq_host.data import Data, Sample, random_data
from edgeq_host.export import Bundle, Score, Variant, to_bytes
from edgeq_host.importers import load
from edgeq_host.produce import Source, predicted_bytes, produce
from edgeq_host.recipe import Recipe
from edgeq_host.sample_model import network
from edgeq_runtime import native
from tests.importers.onnx_nets import quantized, residual_net
from tests.importers.qonnx_nets import conv_net, mlp
from tests.importers.test_onnx_quantized import FORMATS
from tests.networks import hashes
from tests.networks.zoo import FLOAT, INT8, SIGNS, TWINS

NETWORKS = (*FLOAT, *TWINS, *SIGNS, *(f"{name}.tflite" for name in INT8))
pytestmark = pytest.mark.slow
ORDINARY = (*hashes.ORDINARY, *SIGNS, "mnist_valid_q.tflite", "ad01_int8.tflite")
NONE: dict[str, Any] = {"step": (), "int8_ends": False}
RECIPES = [
    *(Recipe(name, **NONE) for name in ("w4a8", "w2a8", "ternary", "w1a8", "w4a4", "w8a16", "w4a16", "w1a16")),
    Recipe("w4a8", group=64, **NONE),
    Recipe("int8,w4a8,w2a8,ternary,w1a8", group=32, step=()),
    Recipe("int8,w8a16,w4a8", **NONE),
    Recipe("int8,w4a8", nested=True),
]
IDS = [f"{r.precision}{f'-{r.group}' if r.group else ''}{'-nested' if r.nested else ''}" for r in RECIPES]


def foretold(source: Source) -> bool:
    return predicted_bytes(source) == len(produce(source).data)


@pytest.mark.parametrize("recipe", RECIPES, ids=IDS)
@pytest.mark.parametrize("name", [n if n in ORDINARY else pytest.param(n, marks=pytest.mark.exhaustive) for n in NETWORKS])
def test_of_every_network_in_every_width(assets: Path, name: str, recipe: Recipe) -> None:
    model = assets / "models" / name
    known = name.removesuffix(".tflite") in INT8 and not recipe.nested
    data = None if known else random_data(load(model).inputs, 0, 2)
    assert foretold(Source(model, recipe, data))


@pytest.mark.parametrize("precision", ["int8", "w4a8", "w4a16", "int8,w4a8,ternary"])
@pytest.mark.parametrize("form", FORMATS)
def test_of_onnx_files_that_are_quantized_already(tmp_path: Path, form: str, precision: str) -> None:
    samples = [{"x": np.random.default_rng(7).normal(0, 1, (1, 3, 16, 16)).astype(np.float32)} for _ in range(3)]
    onnx.save(quantized(residual_net(3), tmp_path, samples, **FORMATS[form]), tmp_path / "net.onnx")
    for calibration in (None, "random"):
        assert foretold(Source(tmp_path / "net.onnx", Recipe(precision), calibration))


@pytest.mark.parametrize("precision", ["int8", "w4a8", "int8,w2a8"])
@pytest.mark.parametrize("model", [mlp(1, (64, 32, 10)), conv_net(2)], ids=["dense", "convolutions"])
def test_of_files_of_qonnx(tmp_path: Path, model: onnx.ModelProto, precision: str) -> None:
    onnx.save(model, tmp_path / "net.onnx")
    assert foretold(Source(tmp_path / "net.onnx", Recipe(precision), "random"))


@pytest.mark.parametrize("wrong", [False, True])
def test_whatever_it_scores(assets: Path, wrong: bool) -> None:
    """All labels wrong: a score of 0, and no interval below it."""
    model = assets / "models" / "mnist_valid_f.tflite"
    source = Source(model, Recipe("int8,w4a8", **NONE), "random")
    run = native.Model(produce(source).data)
    inputs = [np.random.default_rng(i).random(run.inputs[0].shape, np.float32) for i in range(8)]
    labels = [np.argmin(y) if wrong else np.argmax(y) for y in map(run.run, inputs)]
    samples = [Sample([x], np.asarray(label)) for x, label in zip(inputs, labels, strict=True)]
    source = replace(source, score=Data(None, len(samples), True, lambda: iter(samples)))
    made = produce(source)
    assert made.comparison is not None and (made.comparison.score.value == 0) == wrong
    assert predicted_bytes(source) == len(made.data)


def test_a_score_of_0_takes_the_bytes_of_any_other() -> None:
    """Of any length of the file before it, since that is rounded up to 64."""
    graph = network(1, 8)
    for length in range(1, 32):
        variants = [Variant("int8", graph, score=Score("top1", score, score, score, 3)) for score in (0.0, 0.5)]
        sizes = {len(to_bytes(Bundle("n" * length, [variant]))) for variant in variants}
        assert len(sizes) == 1, length
