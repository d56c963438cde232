"""Small files for the tests of the runtime, and their trailer made right again after a change to the body."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

import numpy as np

from edgeq_host.export import Bundle, Variant, to_bytes
from edgeq_host.export.bundle import SelfTest
from edgeq_host.graph import Array, Edge, Graph, Node, Quant, Tensor
from edgeq_runtime import lists, native
from tests.ops.cases import cases_of, low
from tests.ops.cases.base import Case, rng_of
from tests.ops.runner import graph_of

TRAILER = 160
MANY = np.float32(np.inf)


def sealed(body: bytes, version: int = 1 << 16, runtime: int = 1) -> bytes:
    """A file around a body: padding and a right trailer."""
    body += bytes(-len(body) % 64)
    head = b"EQMTRAIL" + struct.pack("<IIQ", version, runtime, len(body)) + hashlib.sha256(body).digest() + bytes(100)
    return body + head + struct.pack("<I", native.crc32c(head))


def with_costs(data: bytes, costs: bytes) -> bytes:
    return data + costs + struct.pack("<II", len(costs), native.crc32c(costs)) + b"EQMCOSTS"


def body_of(data: bytes) -> bytes:
    return data[:-TRAILER]


def quant(scale: float, zero: int) -> Quant:
    return Quant(np.array([scale]), np.array([zero], np.int64))


def branches() -> Graph:
    """y = x c + x by way of two reshapes, which share their places; a constant, a value read twice, NCHW at the edges."""
    tensors = {
        "x": Tensor("x", (1, 2, 3, 4), "f32"),
        "c": Tensor("c", (4,), "f32", np.array([1, -2, 3, 0.5], np.float32)),
        "r": Tensor("r", (6, 4), "f32"),
        "m": Tensor("m", (6, 4), "f32"),
        "b": Tensor("b", (1, 2, 3, 4), "f32"),
        "y": Tensor("y", (1, 2, 3, 4), "f32"),
    }
    bounds = {"lo": -MANY, "hi": MANY}
    nodes = [
        Node("reshape", "flat", ("x",), ("r",)),
        Node("mul_f32", "scaled", ("r", "c"), ("m",), bounds),
        Node("reshape", "back", ("m",), ("b",)),
        Node("add_f32", "sum", ("b", "x"), ("y",), bounds),
    ]
    edge = Edge("image", "x", (1, 4, 2, 3), (0, 2, 3, 1), "f32")
    return Graph("branches", tensors, nodes, [edge], [replace(edge, name="result", tensor="y")])


def branches_result(x: Array) -> Array:
    c = np.array([1, -2, 3, 0.5], np.float32)[:, None, None]
    return np.asarray(x * c + x, np.float32)


def with_selftest(graph: Graph, seeds: tuple[int, ...] = ()) -> bytes:
    """A file of the graph whose self-test holds what the core gives for an input of sevenths."""
    inputs = tuple(np.linspace(-1, 1, int(np.prod(graph.tensors[e.tensor].shape))).astype(np.float32) for e in graph.inputs)
    inputs = tuple(a.reshape(graph.tensors[e.tensor].shape) for a, e in zip(inputs, graph.inputs, strict=True))
    plain = native.Model(to_bytes(Bundle(graph.name, [Variant("float32", graph)])))
    outputs = []
    for sample in (inputs, *(tuple(generated(graph, seed)) for seed in seeds)):
        plain.run([np.ascontiguousarray(a.transpose(np.argsort(e.permutation))) for a, e in zip(sample, graph.inputs, strict=True)])
        outputs += [bytes(plain.tensor_bytes(e.tensor)) for e in plain.outputs]
    selftest = SelfTest(inputs, seeds, tuple(outputs))
    return to_bytes(Bundle(graph.name, [Variant("float32", graph, selftest)]))


def generated(graph: Graph, seed: int) -> list[Array]:
    """Inputs of float32 from the generator of SPEC.md 3.4."""
    arrays = []
    for edge in graph.inputs:
        shape, values = graph.tensors[edge.tensor].shape, []
        for _ in range(int(np.prod(shape))):
            seed ^= seed << 13 & 0xFFFFFFFF
            seed ^= seed >> 17
            seed ^= seed << 5 & 0xFFFFFFFF
            values.append((seed - (1 << 32) if seed >> 31 else seed) >> 8)
        arrays.append((np.array(values, np.float32) * np.float32(2**-23)).reshape(shape))
    return arrays


def one_of_each() -> dict[str, bytes]:
    """A small file of every operator, and of every way to store weights in less than a byte."""
    narrow = {(op, form): low.cases(op, form, rng_of(op)) for op in low.OPS for form in low.forms(op)}
    return {op: _smallest(op, cases_of(op)) for op in lists.ops()} | {
        f"{op}_{form.replace('/', '_')}": _smallest(op, cases) for (op, form), cases in narrow.items()
    }


def _smallest(op: str, cases: Iterable[Case]) -> bytes:
    return min((to_bytes(Bundle(op, [Variant("case", graph_of(op, case))], alignment=16)) for case in islice(cases, 8)), key=len)
