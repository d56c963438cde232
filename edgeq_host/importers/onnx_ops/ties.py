"""Where a value that is to be rounded can lie exactly between two integers: there edgeq's integers round up, and QONNX otherwise.

Sums of whole multiples of some steps are the multiples of the steps' greatest common divisor, of which one is
a half more than an integer where its denominator is even.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import gcd, lcm, prod

import numpy as np

from edgeq_host.graph import Graph, Node

_WEIGHTED = ("conv2d_f32", "depthwise_conv2d_f32", "fully_connected_f32")
_MOVES = ("clip_f32", "reshape", "transpose", "max_pool2d_f32", "slice", "expand", "pad", "resize_nearest")
_SUMS = ("add_f32", "sub_f32")
_LARGEST = 1 << 20  # denominators: sums that are larger are not met
_SIMPLE = 1 << 10  # denominators that float32 may have rounded
_FLOAT32 = 2.0**-21  # relative: what rounding scales to float32, and dividing them, may change

Steps = tuple[float, ...]


def possible(graph: Graph, name: str, scale: float) -> bool:
    """Whether a value of a tensor, over the scale, can be a half of an odd number. Not told where a factor is arbitrary, as behind a
    batch norm; a bias that lies between the steps is rounded to them and counts as a multiple."""
    made = {output: node for node in graph.nodes for output in node.outputs}
    return any(_half([_fraction(step / scale) for step in steps]) for steps in _steps(graph, made, name) or ())


def of_floats(graph: Graph, name: str) -> bool:
    """Whether a tensor is an input of the model, through operators that move values."""
    made = {output: node for node in graph.nodes for output in node.outputs}
    while name in made and made[name].op in _MOVES:
        name = made[name].inputs[0]
    return any(edge.tensor == name for edge in graph.inputs)


def _half(ratios: list[Fraction | None]) -> bool:
    known = [ratio for ratio in ratios if ratio]
    if len(known) < len(ratios) or not known:
        return False
    below = lcm(*(ratio.denominator for ratio in known))
    least = Fraction(gcd(*(int(ratio * below) for ratio in known)), below)
    return below <= _LARGEST and least.denominator % 2 == 0


def _fraction(ratio: float) -> Fraction | None:
    """A ratio of two scales as what it was before they were rounded to float32; None: nothing simple."""
    exact = Fraction(abs(ratio))
    if exact.denominator <= _LARGEST:
        return exact
    near = exact.limit_denominator(_SIMPLE)
    return near if near and abs(near - exact) <= _FLOAT32 * exact else None


def _steps(graph: Graph, made: dict[str, Node], name: str) -> list[Steps] | None:
    """For each channel, or all: the steps of which a tensor's values are sums of multiples. None: there are none that are known."""
    node = made.get(name)
    if node is None:
        return None
    if node.op == "quantize_f32":
        return [(float(node.attrs["scale"]),)]
    if node.op == "sign_f32":
        return [(float(node.attrs["plus"]), float(node.attrs["minus"]))]
    if node.op in _SUMS:
        return _sum(graph, made, node)
    if node.op not in (*_MOVES, *_WEIGHTED, "avg_pool2d_f32", "reduce_f32"):
        return None
    inputs = _steps(graph, made, node.inputs[0])
    if inputs is None or node.op in _MOVES:
        return inputs
    return [tuple(step * factor for step in steps) for steps in inputs for factor in _factors(graph, node)]


def _sum(graph: Graph, made: dict[str, Node], node: Node) -> list[Steps] | None:
    a, b = (_steps(graph, made, name) for name in node.inputs)
    return None if a is None or b is None else [(*x, *y) for x in {*a} for y in {*b}]


def _factors(graph: Graph, node: Node) -> Iterator[float]:
    """What a layer, or a mean, multiplies the steps of its input by."""
    if node.op == "avg_pool2d_f32":
        yield 1 / (node.attrs["kernel_h"] * node.attrs["kernel_w"])
    elif node.op == "reduce_f32":
        before, after = (prod(graph.tensors[name].shape) for name in (node.inputs[0], node.outputs[0]))
        yield after / before
    elif (quant := graph.tensors[node.inputs[1]].quant) is not None:
        yield from map(float, np.unique(quant.scale))
