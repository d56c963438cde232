"""What is said where a [[layer]] cannot be: layers by the names that inspect shows, why there are no groups, float32, one layer alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq_host import recipe as recipes
from edgeq_host.data import Data, Sample
from edgeq_host.errors import ModelError, UsageError
from edgeq_host.export.body import short_name
from edgeq_host.graph import Graph
from edgeq_host.importers import load
from edgeq_host.produce import Source, pack_graph
from edgeq_host.quant import quantize
from edgeq_host.quant.widths import widths
from edgeq_host.recipe import Recipe
from tests.quant.graphs import Net, residual, samples
from tests.quant.test_widths import chain


def refused(graph: Graph, text: str) -> UsageError:
    recipe = recipes.loads(text)
    with pytest.raises(UsageError) as error:
        for precision in recipe.precisions:
            widths(graph, recipe, precision)
    return error.value


@pytest.mark.parametrize(
    "table", ["match = '*depthwise*'\nprecision = 'w2a8'", "match = '*depthwise*'\nprecision = 'w8a1'", "match = '*'\ngroup = 64"]
)
def test_a_layer_is_called_as_inspect_shows_it(assets: Path, table: str) -> None:
    graph = load(assets / "models" / "kws_ref_model_float32.tflite")
    error = refused(graph, f"precision = 'w4a8'\nint8_ends = false\n[[layer]]\n{table}")
    names = {n.name for n in graph.nodes}
    assert any(short_name(name) in error.message for name in names)
    assert not any(name in error.message for name in names if name != short_name(name))


@pytest.mark.parametrize(
    ("rest", "reason", "hint"),
    [
        (
            "precision = 'w4a8'\n[[layer]]\nmatch = '*'",
            "block_1_a.node has no groups of 32: first and last layers are int8",
            "int8_ends = false",
        ),
        ("precision = 'int8,w4a8'\nnested = true\n[[layer]]\nmatch = 'block_1_b*'", "nested weights have none", "or nested"),
        ("precision = 'int8,w4a8'\n[[layer]]\nmatch = 'block_1_b*'", "in one of the precisions it is int8", "variant = "),
        ("precision = 'int8'\n[[layer]]\nmatch = 'block_1_b*'", "weights of 2 to 4 bits have them", "leave group out"),
        ("precision = 'w4a8'\n[[layer]]\nmatch = 'block_2_d*'", "it is a depthwise convolution", "leave group out"),
    ],
)
def test_why_a_layer_has_no_groups_is_said_with_what_helps(rest: str, reason: str, hint: str) -> None:
    error = refused(chain(), f"{rest}\ngroup = 32")
    assert reason in error.message and hint in error.hint


def packed(text: str) -> list[str]:
    """The variants of residual() by this recipe."""
    given = Data(None, 8, False, lambda: iter([Sample(x, None) for x in samples(residual(), 8)]))
    return [v.name for v in pack_graph(residual(), Source(None, recipes.loads(text), given, name="m")).variants]


@pytest.mark.parametrize("asked", ["precision = 'w4a8'", "precision = 'w1a1'", "group = 32"])
@pytest.mark.parametrize("rest", ["precision = 'float32'\n[[layer]]", "precision = 'int8,float32'\n[[layer]]\nvariant = 'float32'"])
def test_a_layer_that_shall_be_integers_in_a_float_variant_is_refused(rest: str, asked: str) -> None:
    with pytest.raises(UsageError, match=r"match = 'b.node' asks for .*, and the precision is float32") as error:
        packed(f"{rest}\nmatch = 'b.node'\n{asked}")
    assert "leave the [[layer]] out" in error.value.hint


def test_a_layer_of_every_variant_leaves_the_float_one_as_it_is() -> None:
    assert packed("precision = 'int8,float32'\n[[layer]]\nmatch = 'b.node'\nprecision = 'w4a8'") == ["int8", "float32"]
    assert packed("precision = 'float32'\n[[layer]]\nmatch = 'b.node'\nprecision = 'float32'") == ["float32"]


@pytest.mark.parametrize("precision", ["int8", "binary"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_blamed_and_not_the_samples(value: float, precision: str) -> None:
    graph = residual()
    weight = next(n for n in graph.nodes if n.name == "b.node").inputs[1]
    data = np.array(graph.tensors[weight].data)
    data.reshape(-1)[5] = value
    graph.tensors[weight] = graph.tensors[weight].__class__(weight, data.shape, "f32", data)
    with pytest.raises(ModelError) as error:
        quantize(graph, samples(graph, 3), Recipe(precision))
    assert f"b.node: 1 of {data.size} values of its constant {weight} are not finite" == error.value.message
    assert "source model" in error.value.hint and "sample" not in error.value.message


def test_one_layer_is_called_one_layer() -> None:
    made = widths(chain(), Recipe("w2a8"), Recipe("w2a8").precisions[0]).notes
    assert made == ("in 1 layer of w2a8 weights have 4 bits, the narrowest of depthwise convolutions",)
    net = Net()
    d = net.conv(net.conv(net.input("x", (1, 8, 8, 3)), "a", 8), "b", 8)
    signs = widths(net.graph(net.conv(d, "c", 8)), Recipe("w4a1"), Recipe("w4a1").precisions[0]).notes
    assert [note for note in signs if note.startswith("in 1 layer of w4a1 signs are multiplied as int8 is")]
