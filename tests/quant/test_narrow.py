"""Whole networks of narrow weights: sizes, sums that stay below 2^31, and the same integers in numpy and C."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edgeq_host.data import Data, Sample
from edgeq_host.errors import UnsupportedError
from edgeq_host.graph import Array, Graph, Node, Tensor
from edgeq_host.inspect import inspect
from edgeq_host.produce import Source, pack_graph
from edgeq_host.quant import quantize
from edgeq_host.quant.affine import Affine
from edgeq_host.quant.build import Build
from edgeq_host.quant.precision import WEIGHTS, parse
from edgeq_host.quant.weights import quantize_weights
from edgeq_host.quant.widths import Width
from edgeq_host.recipe import Recipe, Step
from edgeq_host.selftest import to_inner
from edgeq_host.session import Session
from edgeq_runtime import lists, packing
from edgeq_runtime.rounding import unpack_rq
from tests.core import isa_masks
from tests.quant.graphs import OPEN, Net, samples
from tests.reference import run_graph

LIMIT = 2**31 - 1


def dense(inputs: int, outputs: int, weight: Array | None = None, bias: Array | None = None) -> Graph:
    """A layer between two others, which stay int8."""
    net = Net()
    x = net.dense(net.input("x", (1, 8)), "first", inputs)
    w = net.constant("w", (net.normal(outputs, inputs) if weight is None else weight).astype(np.float32))
    b = net.constant("b", (net.normal(outputs) if bias is None else bias).astype(np.float32))
    x = net.node("fully_connected_f32", [x, w, b], "middle", (1, outputs), **OPEN)
    return net.graph(net.dense(x, "y", 4))


def pointwise(inputs: int, outputs: int) -> Graph:
    net = Net()
    x = net.conv(net.input("x", (1, 4, 4, 8)), "first", inputs, size=1)
    return net.graph(net.conv(net.conv(x, "middle", outputs, size=1), "y", 4, size=1))


def data(graph: Graph, count: int = 4) -> Data:
    found = [Sample(s, None) for s in samples(graph, count)]
    return Data(None, count, False, lambda: iter(found))


@pytest.mark.parametrize("make", [dense, pointwise])
@pytest.mark.parametrize(
    ("precision", "group", "most"),
    [
        *(("w4a8", group, 0.52) for group in (0, 64, 128)),
        *(("w2a8", group, 0.27) for group in (0, 128)),
        ("ternary", 0, 0.27),
        ("w1a8", 0, 0.14),
        ("int8", 0, 1),
    ],
)
def test_weights_with_all_that_scales_them_take_their_share_of_int8(
    make: Callable[[int, int], Graph], precision: str, group: int, most: float
) -> None:
    graph = make(1024, 64)
    recipe = Recipe(precision, group=group, step=(Step("bias_correction"),))
    packed = pack_graph(graph, Source(None, recipe, data(graph), name="net"))
    layers = {layer.name: layer for layer in inspect(packed.data, "net").variants[0].layers}
    middle, kind = layers["middle.node"], parse(precision).weights
    groups = 1024 // group if group else 0
    assert middle.bytes == packing.packed_bytes(1024 * 64, kind.dtype) + 64 * (9 + groups)
    assert middle.of_int8 == middle.bytes / (64 * (1024 + 9)) and middle.of_int8 <= most
    assert {layers["first.node"].of_int8, layers["y.node"].of_int8} == {1.0}
    assert middle.bits == lists.qtypes()[kind.dtype].bits


ALL = [(f"w{bits}a8", group) for bits in range(1, 9) for group in (0, 32)] + [("ternary", 64), ("w4a4", 32), ("w2a2", 0)]


@pytest.mark.parametrize(("precision", "group"), ALL)
def test_numpy_and_c_give_the_same_integers_on_every_instruction_set(precision: str, group: int) -> None:
    net = Net()
    x = net.conv(net.input("x", (1, 6, 6, 3)), "a", 40, pad=1)
    x = net.conv(net.conv(x, "b", 72, pad=1), "c", 16, pad=1)
    graph = net.graph(net.dense(net.node("reshape", [x], "r", (1, 576)), "y", 5))
    made = quantize(graph, samples(graph, 8), Recipe(precision, group=group))
    for sample in samples(graph, 2, seed=9):
        wanted = run_graph(made, {e.tensor: to_inner(made, e, x) for e, x in zip(made.inputs, sample, strict=True)})
        for mask in isa_masks():
            session = Session(made, keep_all=True, isas=mask)
            session.run(*sample)
            assert all(np.array_equal(wanted[name], session.tensor(name)) for name in session.names())


def counts(graph: Graph, name: str) -> tuple[Array, Array, Array, Array]:
    """What each weight of a layer counts, multipliers, biases, and the layer's zero point of inputs."""
    node = next(n for n in graph.nodes if n.name == name)
    w, rq, *more = (graph.tensors[i].data for i in node.inputs[1:])
    multipliers = more[0].astype(np.int64).reshape(len(w), -1)
    size = w.shape[1] // multipliers.shape[1]
    return w * np.repeat(multipliers, size, axis=1), multipliers, unpack_rq(rq)[0].astype(np.int64), node.attrs["x_zero"]


def test_multipliers_become_coarser_where_sums_would_overflow() -> None:
    count = 25_600
    weight = np.where(np.arange(count) % 2, 1.0, -1.0)[None] * np.linspace(0.5, 1, count // 128).repeat(128)
    graph = dense(count, 1, weight, np.zeros(1))
    made = quantize(graph, samples(graph, 4), Recipe("w4a8", group=128, step=()))
    found, multipliers, bias, zero = counts(made, "middle.node")
    reach = max(127 - zero, zero + 128)
    assert np.abs(found).sum() * reach + abs(int(bias[0])) <= LIMIT < 7 * np.linspace(64, 127, count // 128).sum() * 128 * reach
    assert multipliers.max() == 63 and Session(made).run(*samples(graph, 1)[0])


def test_sums_that_no_multiplier_makes_small_enough_are_refused_with_the_numbers() -> None:
    weight = Tensor("w", (1, 2_100_000), "f32", np.ones((1, 2_100_000), np.float32))
    bias = Tensor("b", (1,), "f32", np.zeros(1, np.float32))
    node = Node("fully_connected_f32", "layer", ("x", "w", "b"), ("y",))
    tensors = {t.name: t for t in (Tensor("x", (1,), "f32"), Tensor("y", (1,), "f32"), weight, bias)}
    build = Build(Graph("g", tensors, [node], [], []), {"x": Affine(0.05, -20), "y": Affine(5e4, 3)})
    build.layers = {"y": Width(WEIGHTS["4"], 128, 8)}
    with pytest.raises(UnsupportedError, match=rf"layer, channel 0: .* {7 * 2_100_000} x activations up to 147 .* the limit is {LIMIT}"):
        quantize_weights(build, node, weight, bias, 0)


def test_a_bias_too_large_for_the_scale_widens_it_and_multipliers_follow() -> None:
    weight = np.full((2, 128), 1e-9)
    weight[:, :64] *= 100
    graph = dense(128, 2, weight, np.array([1.0, 5000.0]))
    made = quantize(graph, samples(graph, 4), Recipe("w4a8", group=64, step=()))
    found, multipliers, bias, _ = counts(made, "middle.node")
    assert (np.abs(bias) <= 1 << 30).all() and abs(int(bias[1])) > 1 << 29
    assert multipliers[1].tolist() == [1, 1] and not found[1].any()


def test_the_same_samples_give_the_same_file_of_several_precisions_twice() -> None:
    graph = dense(96, 64)
    recipe = Recipe("int8,w4a8,ternary", group=32)
    first, second = (pack_graph(dense(96, 64), Source(None, recipe, data(graph), name="net")).data for _ in range(2))
    assert first == second


def test_variants_share_every_buffer_that_is_equal_in_them() -> None:
    graph = dense(512, 16)
    single = {p: len(pack_graph(graph, Source(None, Recipe(p), data(graph), name="net")).data) for p in ("int8", "w4a8")}
    both = pack_graph(graph, Source(None, Recipe("int8,w4a8"), data(graph), name="net"))
    assert [v.name for v in both.variants] == ["int8", "w4a8"]
    ends = [[v.graph.tensors[i].data for n in (v.graph.nodes[0], v.graph.nodes[-1]) for i in n.inputs[1:]] for v in both.variants]
    shared = sum(a.nbytes for a in ends[0])
    assert all(np.array_equal(a, b) for a, b in zip(*ends, strict=True)) and shared > 8000
    assert len(both.data) <= sum(single.values()) - shared
