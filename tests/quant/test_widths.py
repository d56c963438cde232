"""Which layer gets which width: first and last, [[layer]] tables, groups, what operators do not have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq_host import recipe as recipes
from edgeq_host.errors import UsageError
from edgeq_host.graph import Graph
from edgeq_host.importers import load
from edgeq_host.quant import quantize_reported
from edgeq_host.quant.widths import Width, Widths, widths
from edgeq_host.recipe import Recipe
from tests.quant.graphs import OPEN, RELU, WINDOW, Net, residual, samples


def found(graph: Graph, text: str) -> Widths:
    recipe = recipes.loads(text)
    return widths(graph, recipe, recipe.precisions[-1])


def bits(graph: Graph, text: str) -> dict[str, int]:
    return {name: w.kind.bits if w.kind else 32 for name, w in found(graph, text).layers.items()}


def chain() -> Graph:
    """Two inputs' normalisation, four layers, a head that is concatenated, an activation at the end."""
    net = Net()
    x = net.input("x", (1, 8, 8, 64))
    scaled = net.node("mul_f32", [x, net.constant("k", np.array([0.5], np.float32))], "scaled", (1, 8, 8, 64), **OPEN)
    a = net.conv(scaled, "block_1_a", 64, pad=1)
    b = net.conv(a, "block_1_b", 128, size=1)
    w = net.constant("d.w", net.normal(3, 3, 128))
    d = net.node("depthwise_conv2d_f32", [b, w, net.constant("d.b", net.normal(128))], "block_2_d", (1, 6, 6, 128), **{**WINDOW, **RELU})
    c = net.conv(d, "block_2_c", 64, size=1)
    heads = [net.conv(c, f"head_{i}", 4, size=1, lo=-np.inf) for i in range(2)]
    joined = net.node("concat", heads, "joined", (1, 6, 6, 8), axis=3)
    return net.graph(net.node("softmax_f32", [joined], "y", (1, 6, 6, 8)))


def test_first_and_last_layers_are_int8_through_shape_and_activation_operators() -> None:
    assert bits(chain(), 'precision = "w4a8"') == {
        "block_1_a": 8, "block_1_b": 4, "block_2_d": 4, "block_2_c": 4, "head_0": 8, "head_1": 8,
    }  # fmt: skip
    assert set(bits(chain(), 'precision = "w4a8"\nint8_ends = false').values()) == {4}
    assert bits(residual(), 'precision = "w4a8"') == {"a": 8, "b": 4, "d": 8}


def test_a_pool_in_front_of_the_output_hides_no_layer_behind_it() -> None:
    net = Net()
    c = net.conv(net.conv(net.conv(net.input("x", (1, 8, 8, 3)), "a", 8), "b", 8), "c", 8)
    graph = net.graph(net.node("reduce_f32", [c], "y", (1, 8), kind=1, axes=0b0110))
    assert bits(graph, 'precision = "w4a8"') == {"a": 8, "b": 4, "c": 4}


def test_depthwise_layers_have_4_bits_at_least_and_that_is_said() -> None:
    for name in ("w2a8", "ternary", "w1a8"):
        made = found(chain(), f'precision = "{name}"')
        assert made.layers["block_2_d"].kind.bits == 4 and made.layers["block_1_b"].kind.bits < 4
        assert made.notes == (f"in 1 layer of {name} weights have 4 bits, the narrowest of depthwise convolutions",)
    assert not found(chain(), 'precision = "w4a8"').notes


def test_groups_are_left_out_where_there_are_none_and_the_rest_has_them() -> None:
    made = found(chain(), 'precision = "w4a8"\ngroup = 64')
    assert {n: w.group for n, w in made.layers.items()} == {
        "block_1_a": 0, "block_1_b": 0, "block_2_d": 0, "block_2_c": 64, "head_0": 0, "head_1": 0,
    }  # fmt: skip
    assert found(chain(), 'precision = "w4a8"\ngroup = 32').layers["block_1_b"].group == 32
    assert found(chain(), 'precision = "w1a8"\ngroup = 32').layers["block_1_b"].group == 0


def test_a_layer_table_takes_names_and_patterns_and_the_last_one_holds() -> None:
    text = """precision = "w4a8"
    [[layer]]
    match = "block_*"
    precision = "w3a4"
    [[layer]]
    match = "block_1_b.node"
    precision = "int8"
    [[layer]]
    match = "head_?.node"
    precision = "w2a8"
    group = 32
    [[layer]]
    match = "block_2_c.node"
    group = 0
    """
    made = found(chain(), text)
    assert bits(chain(), text) == {"block_1_a": 3, "block_1_b": 8, "block_2_d": 3, "block_2_c": 3, "head_0": 2, "head_1": 2}
    assert made.layers["head_0"].group == 32 and made.layers["block_2_c"] == Width(made.layers["block_1_a"].kind, 0, 4)
    assert made.levels["block_2_d"] == 16 and made.levels["block_1_a"] == 256


def test_a_table_of_one_variant_leaves_the_others_alone() -> None:
    table = '[[layer]]\nmatch = "block_1_b.node"\nprecision = "w2a8"\nvariant = "w4a8"'
    assert bits(chain(), f'precision = "int8,w4a8"\n{table}')["block_1_b"] == 2
    assert bits(chain(), f'precision = "w4a8,int8"\n{table}')["block_1_b"] == 8


def test_a_layer_that_the_recipe_keeps_in_float_is_an_island() -> None:
    recipe = recipes.loads('precision = "w4a8"\n[[layer]]\nmatch = "b.node"\nprecision = "float32"')
    made = quantize_reported(residual(), samples(residual(), 4), recipe)
    assert [(i.node, i.reason) for i in made.islands] == [("b.node", "the recipe asks for it")]


def test_names_of_a_file_that_are_shortened_in_reports_match_as_they_are_shown(assets: Path) -> None:
    graph = load(assets / "models" / "kws_ref_model_float32.tflite")
    shown = "..tional_1/depthwise_conv2d/BiasAdd/ReadVariableOp/resource1"
    assert list(bits(graph, f'[[layer]]\nmatch = "{shown}"\nprecision = "w4a8"').values()).count(4) == 1


@pytest.mark.parametrize(
    ("table", "answer"),
    [
        ('match = "blok_1_b.node"\ngroup = 0', "block_1_b.node"),
        ('match = "nothing*"\ngroup = 0', "it has 6"),
        ('match = "block_2_d.node"\nprecision = "w2a8"', "4 at least"),
        ('match = "block_2_d.node"\ngroup = 64', "depthwise"),
        ('match = "block_1_b.node"\ngroup = 64', "it has 64 inputs"),
        ('match = "block_1_b.node"\nprecision = "int8"\ngroup = 32', "2 to 4 bits"),
        ('match = "block_1_b.node"\nprecision = "w1a8"\ngroup = 32', "2 to 4 bits"),
    ],
)
def test_what_a_layer_cannot_be_is_refused_with_the_reason(table: str, answer: str) -> None:
    with pytest.raises(UsageError) as error:
        found(chain(), f'precision = "w4a8"\n[[layer]]\n{table}')
    assert answer in error.value.message + error.value.hint


def test_a_source_that_is_quantized_already_is_said_to_lose_more(assets: Path) -> None:
    graph = load(assets / "models" / "mnist_valid_q.tflite")
    made = quantize_reported(graph, None, Recipe("w4a8"))
    assert [w for w in made.warnings if "a float source loses less" in w] and [
        w for w in made.warnings if "leaves out gptq and bias_correction" in w
    ]
    assert not quantize_reported(graph, None, Recipe()).warnings


def test_a_step_that_needs_samples_is_refused_without_them(assets: Path) -> None:
    graph = load(assets / "models" / "mnist_valid_q.tflite")
    with pytest.raises(UsageError, match="'gptq' needs calibration samples"):
        quantize_reported(graph, None, Recipe("w4a8", step=(recipes.Step("gptq"),)))
    quantize_reported(graph, None, Recipe("w4a8", step=(recipes.Step("mse"),)))


@pytest.mark.parametrize(
    ("precision", "reason"),
    [
        ("w4a16", "it reads activations of 16 bits"),
        ("w1a8", "weights of 2 to 4 bits have them"),
        ("w4a8", "it has 64 inputs"),
        ("int8", "weights of 2 to 4 bits have them"),
    ],
)
def test_groups_that_no_layer_has_are_said(precision: str, reason: str) -> None:
    """block_1_a and block_1_b have 64 inputs, block_2_c has 128."""
    text = f'precision = "{precision}"\ngroup = 64\n[[layer]]\nmatch = "block_2_c*"\nprecision = "int8"\n'
    said = [note for note in found(chain(), text).notes if "groups" in note]
    assert [note.rpartition(": ")[2] for note in said] == [reason]
    assert not any("groups" in note for note in found(chain(), 'precision = "w4a8"\ngroup = 64\n').notes)


def two_ends() -> Graph:
    net = Net()
    return net.graph(net.conv(net.conv(net.input("x", (1, 8, 8, 64)), "a", 64), "b", 64))


@pytest.mark.parametrize("precision", ["w4a8", "ternary", "w4a4", "binary"])
def test_a_variant_of_which_no_layer_has_the_width_is_said(precision: str) -> None:
    said = [note for note in found(two_ends(), f'precision = "{precision}"').notes if "has the width of that name" in note]
    assert said == [
        f"no layer of {precision} has the width of that name: all are first or last layers, "
        "which are int8 (--no-int8-ends makes them narrow)"
    ]
    assert not found(two_ends(), f'precision = "{precision}"\nint8_ends = false').notes
    assert not any("of that name" in note for note in found(chain(), f'precision = "{precision}"').notes)


def test_groups_and_nested_weights_that_touch_no_layer_are_said() -> None:
    assert (
        "no layer of w4a8 has groups of 32: weights of 2 to 4 bits have them" in found(two_ends(), 'precision = "w4a8"\ngroup = 32').notes
    )
    nested = 'precision = "int8,w4a8"\nnested = true'
    assert "no layer has nested weights: none is int8 in one variant and has 4 bits in the other" in found(two_ends(), nested).notes
    assert not any("nested" in note for note in found(chain(), nested).notes)
    both = recipes.loads('precision = "int8,w4a8"\ngroup = 64')
    assert not any(widths(chain(), both, p).notes for p in both.precisions), "int8 has none where w4a8 has them"
