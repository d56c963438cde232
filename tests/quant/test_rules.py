"""Every rule: the int8 operator it gives, how near the float one it stays, and equal integers in numpy and C."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edgeq_host.graph import Graph
from edgeq_host.quant import quantize_reported
from edgeq_host.quant.rules import RULES
from edgeq_host.recipe import Recipe
from edgeq_host.selftest import to_inner
from edgeq_host.session import Session
from tests.quant.graphs import OPEN, RELU, WINDOW, Net, samples, scale
from tests.reference import run_graph

SHAPE = (1, 6, 6, 8)
POOL = {"kernel_h": 3, "kernel_w": 3} | WINDOW | {"pad_top": 1, "pad_left": 1, "pad_bottom": 1, "pad_right": 1}
CASES: dict[str, tuple[Callable[[], Graph], str, float]] = {}


def case(rule: str, steps: float, name: str = "") -> Callable[[Callable[[], Graph]], Callable[[], Graph]]:
    """steps: the largest error of the output in its quantization steps, half a step of rounding being always there."""

    def keep(build: Callable[[], Graph]) -> Callable[[], Graph]:
        CASES[f"{rule}{name}"] = build, rule, steps
        return build

    return keep


def two(op: str, other: tuple[int, ...] = SHAPE, **attrs: object) -> Graph:
    net = Net()
    a, b = net.input("a", SHAPE), net.input("b", other)
    return net.graph(net.node(op, [a, b], "y", SHAPE, **attrs))


def one(op: str, shape: tuple[int, ...] = SHAPE, inputs: tuple[str, ...] = (), net: Net | None = None, **attrs: object) -> Graph:
    net = net or Net()
    return net.graph(net.node(op, [net.input("x", SHAPE), *inputs], "y", shape, **attrs))


def with_constant(op: str, data: np.ndarray, first: bool = False, **attrs: object) -> Graph:
    net = Net()
    names = [net.input("x", SHAPE), net.constant("c", data.astype(np.float32))]
    return net.graph(net.node(op, names[::-1] if first else names, "y", SHAPE, **attrs))


case("add", 2)(lambda: two("add_f32", **OPEN))
case("add", 2, " relu")(lambda: two("add_f32", **RELU))
case("add", 2, " broadcast")(lambda: two("add_f32", (8,), **OPEN))
case("add", 2, " constant")(lambda: with_constant("add_f32", np.linspace(-1, 1, 8), **OPEN))
case("sub", 2)(lambda: two("sub_f32", **OPEN))
case("sub", 2, " from constant")(lambda: with_constant("sub_f32", np.linspace(1, 2, 8), first=True, **OPEN))
case("mul", 2)(lambda: two("mul_f32", **OPEN))
case("mul", 2, " constant")(lambda: with_constant("mul_f32", np.linspace(0.5, 2, 8), **OPEN))
case("div", 2, " by constant")(lambda: with_constant("div_f32", np.linspace(0.5, 2, 8), **OPEN))
case("min", 1)(lambda: two("min_f32", **OPEN))
case("max", 1)(lambda: two("max_f32", **OPEN))
case("max", 1, " constant")(lambda: with_constant("max_f32", np.array([0.25]), **OPEN))
case("clip", 1)(lambda: one("clip_f32", lo=-0.5, hi=1.5))
case("leaky_relu", 1)(lambda: one("leaky_relu_f32", alpha=0.1))
case("sigmoid", 4)(lambda: one("sigmoid_f32"))
case("tanh", 4)(lambda: one("tanh_f32"))
case("hard_swish", 2)(lambda: one("hard_swish_f32"))
case("hard_sigmoid", 2)(lambda: one("hard_sigmoid_f32", alpha=0.2, beta=0.5))
case("softmax", 3)(lambda: one("softmax_f32"))
case("max_pool2d", 1)(lambda: one("max_pool2d_f32", **POOL, **OPEN))
case("avg_pool2d", 1)(lambda: one("avg_pool2d_f32", **POOL, include_pad=0, **OPEN))
case("avg_pool2d", 1, " with padding")(lambda: one("avg_pool2d_f32", **POOL, include_pad=1, **OPEN))
case("reduce", 2, " mean")(lambda: one("reduce_f32", (1, 1, 1, 8), kind=1, axes=0b0110))
case("reduce", 4, " sum")(lambda: one("reduce_f32", (1, 6, 6, 1), kind=0, axes=0b1000))
case("reduce", 1, " max")(lambda: one("reduce_f32", (1, 1, 1, 8), kind=2, axes=0b0110))
case("reduce", 1, " min")(lambda: one("reduce_f32", (1, 1, 1, 8), kind=3, axes=0b0110))
case("reshape", 1)(lambda: one("reshape", (1, 288)))
case("transpose", 1)(lambda: one("transpose", (1, 8, 6, 6), perm=[0, 3, 1, 2, 0, 0]))
case("slice", 1)(lambda: one("slice", (1, 3, 6, 8), begin=[0, 1, 0, 0, 0, 0], step=[1, 2, 1, 1, 1, 1]))
case("expand", 1)(lambda: one("expand", (2, 6, 6, 8)))
case("pad", 1)(lambda: one("pad", (1, 8, 6, 8), mode=0, value=0, before=[0, 1, 0, 0, 0, 0], after=[0, 1, 0, 0, 0, 0]))
case("pad", 1, " value")(lambda: one("pad", (1, 7, 6, 8), mode=0, value=bits(5.0), before=[0, 1, 0, 0, 0, 0], after=[0] * 6))
case("pad", 1, " infinity")(lambda: one("pad", (1, 7, 6, 8), mode=1, value=0, before=[0, 1, 0, 0, 0, 0], after=[0] * 6))


def bits(value: float) -> int:
    return int(np.float32(value).view(np.int32))


@case("div", 8)
def quotient() -> Graph:
    net = Net()
    a, b = net.input("a", SHAPE), net.input("b", SHAPE)
    far = net.node("add_f32", [b, net.constant("c", np.array([5], np.float32))], "far", SHAPE, lo=3.0, hi=np.inf)
    return net.graph(net.node("div_f32", [a, far], "y", SHAPE, **OPEN))


@case("div", 3, " constant by")
def reciprocal() -> Graph:
    net = Net()
    x = net.node("clip_f32", [net.input("x", SHAPE)], "far", SHAPE, lo=0.5, hi=3.0)
    return net.graph(net.node("div_f32", [net.constant("c", np.array([1], np.float32)), x], "y", SHAPE, **OPEN))


@case("pow", 2, " constant")
def square() -> Graph:
    return with_constant("pow_f32", np.array([2.0]))


@case("pow", 16)
def power() -> Graph:
    net = Net()
    base = net.node("clip_f32", [net.input("a", SHAPE)], "base", SHAPE, lo=0.5, hi=2.0)
    return net.graph(net.node("pow_f32", [base, net.input("b", (8,))], "y", SHAPE))


@case("prelu", 2)
def prelu() -> Graph:
    net = Net()
    return one("prelu_f32", inputs=(net.constant("alpha", np.linspace(-0.5, 0.5, 8).astype(np.float32)),), net=net)


@case("concat", 1)
def concat() -> Graph:
    net = Net()
    a, b, c = net.input("a", SHAPE), net.input("b", SHAPE), net.constant("c", np.full((1, 6, 6, 2), 7.5, np.float32))
    return net.graph(net.node("concat", [a, c, b], "y", (1, 6, 6, 18), axis=3))


@case("conv2d", 4)
def conv() -> Graph:
    net = Net()
    return net.graph(net.conv(net.input("x", SHAPE), "y", 8, pad=1, lo=-1.0, hi=2.0))


@case("conv2d", 3, " groups")
def grouped() -> Graph:
    net = Net()
    x, w, b = net.input("x", SHAPE), net.constant("w", net.normal(4, 3, 3, 4)), net.constant("b", net.normal(4))
    return net.graph(net.node("conv2d_f32", [x, w, b], "y", (1, 4, 4, 4), **WINDOW, groups=2, **OPEN))


@case("depthwise_conv2d", 3)
def depthwise() -> Graph:
    net = Net()
    x, w, b = net.input("x", SHAPE), net.constant("w", net.normal(3, 3, 16)), net.constant("b", net.normal(16))
    return net.graph(net.node("depthwise_conv2d_f32", [x, w, b], "y", (1, 4, 4, 16), **WINDOW, **RELU))


@case("transpose_conv2d", 3)
def transposed() -> Graph:
    net = Net()
    x, w, b = net.input("x", SHAPE), net.constant("w", net.normal(4, 3, 3, 8)), net.constant("b", net.normal(4))
    attrs = {"stride_h": 2, "stride_w": 2, "dilation_h": 1, "dilation_w": 1, "pad_top": 0, "pad_left": 0, "groups": 1}
    return net.graph(net.node("transpose_conv2d_f32", [x, w, b], "y", (1, 13, 13, 4), **attrs, **OPEN))


@case("fully_connected", 3)
def dense() -> Graph:
    net = Net()
    return net.graph(net.dense(net.input("x", (2, 40)), "y", 9))


@case("matmul", 6)
def matmul() -> Graph:
    net = Net()
    a, b = net.input("a", (2, 5, 16)), net.input("b", (2, 16, 7))
    return net.graph(net.node("matmul_f32", [a, b], "y", (2, 5, 7), **OPEN))


@case("matmul", 3, " constant")
def matmul_constant() -> Graph:
    net = Net()
    a, b = net.input("a", (2, 5, 16)), net.constant("b", net.normal(16, 7))
    return net.graph(net.node("matmul_f32", [a, b], "y", (2, 5, 7), **OPEN))


def index(net: Net, name: str, values: list[int]) -> str:
    return net.constant(name, np.array(values, np.int32))


@case("quantize", 64)
def fewer_bits() -> Graph:
    net = Net()
    net.input("x", SHAPE, scale(0.5))
    return net.graph(net.node("quantize_f32", ["x"], "y", SHAPE, scale(0.5 / 64, -128), scale=0.5, zero=0, low=0, high=3))


@case("sign", 0)
def sign() -> Graph:
    net = Net()
    x, t = net.input("x", SHAPE), net.constant("t", np.array([0.3], np.float32))
    return net.graph(net.node("sign_f32", [x, t], "y", SHAPE, scale(1 / 64), plus=1.0, minus=-1.0))


@case("resize_nearest", 1)
def nearest() -> Graph:
    net = Net()
    places = [0, 0, 1, 1, 2, 2, 3, 4, 5, 5]
    return one("resize_nearest", (1, 10, 10, 8), inputs=(index(net, "rows", places), index(net, "cols", places)), net=net)


@case("resize_bilinear", 2)
def bilinear() -> Graph:
    net = Net()
    places = np.linspace(0, 5, 9)
    rows, weights = np.floor(places).astype(np.int32), (places % 1).astype(np.float32)
    names = (net.constant("r", rows), net.constant("rw", weights), net.constant("c", rows), net.constant("cw", weights))
    return one("resize_bilinear_f32", (1, 9, 9, 8), inputs=names, net=net)


def test_every_rule_has_a_case() -> None:
    assert {rule for _, rule, _ in CASES.values()} == set(RULES)


@pytest.mark.parametrize("name", CASES)
def test_int8_stays_near_float_and_is_the_same_in_numpy_and_c(name: str) -> None:
    build, _, steps = CASES[name]
    graph = build()
    inputs = samples(graph, 64)
    found = quantize_reported(graph, inputs, Recipe())
    assert not found.islands
    int8, real = Session(found.graph, keep_all=True), Session(graph)
    step = float(found.graph.tensors["y"].quant.scale[0])
    for sample in inputs[:8]:
        wanted, got = real.run(*sample)[0], int8.run(*sample)[0]
        assert np.abs(got - wanted).max() <= (steps + 0.51) * step
        inner = {e.tensor: to_inner(found.graph, e, x) for e, x in zip(found.graph.inputs, sample, strict=True)}
        for tensor, value in run_graph(found.graph, inner).items():
            if found.graph.tensors[tensor].data is None and tensor in int8.names():
                assert np.array_equal(value, int8.tensor(tensor)), tensor


@pytest.mark.parametrize("kind", [4, 5, 6, 7])
def test_an_operator_without_int8_form_is_a_reported_float_island(kind: int) -> None:
    net = Net()
    a = net.conv(net.input("x", SHAPE), "a", 8, pad=1)
    r = net.node("reduce_f32", [a], "r", (1, 6, 6, 1), kind=kind, axes=0b1000)
    graph = net.graph(net.dense(net.node("reshape", [r], "flat", (1, 36)), "y", 3))
    found = quantize_reported(graph, samples(graph, 64), Recipe())
    assert [(i.node, i.op) for i in found.islands] == [("r.node", "reduce_f32")]
    assert [n.op for n in found.graph.nodes] == [
        "conv2d_s8", "dequantize_s8", "reduce_f32", "quantize_s8", "reshape", "fully_connected_s8",
    ]  # fmt: skip
    Session(found.graph).run(*samples(graph, 1)[0])


def test_an_island_at_the_end_gives_float_without_a_detour() -> None:
    net = Net()
    a = net.conv(net.input("x", SHAPE), "a", 8, pad=1)
    graph = net.graph(net.node("reduce_f32", [a], "r", (1, 6, 6, 1), kind=5, axes=0b1000))
    found = quantize_reported(graph, samples(graph, 64), Recipe())
    assert [n.op for n in found.graph.nodes] == ["conv2d_s8", "dequantize_s8", "reduce_f32"]


def test_an_input_that_only_islands_read_stays_float() -> None:
    graph = one("cast", SHAPE)
    found = quantize_reported(graph, samples(graph, 64), Recipe())
    assert found.graph.tensors[found.graph.inputs[0].tensor].dtype == "f32"
