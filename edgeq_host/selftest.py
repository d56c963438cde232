"""Make the self-test of a variant: samples and the exact outputs that every device must reproduce (SPEC.md 3.4)."""

from __future__ import annotations

import numpy as np

from edgeq_host.export import SelfTest, used_tensors
from edgeq_host.export.arena import tensor_bytes
from edgeq_host.graph import Array, Edge, Graph
from edgeq_host.session import Session
from edgeq_runtime import rounding
from edgeq_runtime.ops import DTYPES

SEEDS = (0x9E3779B9, 0x85EBCA6B)


def make(graph: Graph, sample: list[Array]) -> SelfTest:
    """sample: one array per input, source layout and type, of one real inference."""
    real = tuple(to_inner(graph, edge, x) for edge, x in zip(graph.inputs, sample, strict=True))
    session = Session(graph)
    place = {name: i for i, name in enumerate(used_tensors(graph))}
    outputs: list[bytes] = []
    for inputs in (real, *(generate(graph, seed) for seed in SEEDS)):
        session.run(*(to_source(edge, x) for edge, x in zip(graph.inputs, inputs, strict=True)))
        outputs += [bytes(session.model.tensor_bytes(place[edge.tensor])) for edge in graph.outputs]
    return SelfTest(real, SEEDS, tuple(outputs))


def sizes(graph: Graph, sample: list[Array]) -> SelfTest:
    """A self-test with outputs of the right size, of which nothing else is known."""
    real = tuple(to_inner(graph, edge, x) for edge, x in zip(graph.inputs, sample, strict=True))
    outputs = [bytes(tensor_bytes(graph.tensors[edge.tensor])) for edge in graph.outputs]
    return SelfTest(real, SEEDS, tuple(outputs * (1 + len(SEEDS))))


def to_inner(graph: Graph, edge: Edge, x: Array) -> Array:
    """An input as the tensor inside holds it: permuted, and quantized where the variant is (SPEC.md 1.1)."""
    tensor = graph.tensors[edge.tensor]
    inner = np.ascontiguousarray(np.transpose(np.asarray(x).reshape(edge.shape), edge.permutation))
    if tensor.dtype == "s16" and inner.dtype != np.int16:
        assert tensor.quant is not None
        return rounding.quantize_s16(inner.astype(np.float32), float(tensor.quant.scale[0]))
    if tensor.dtype != "s8" or inner.dtype == np.int8:
        return inner.astype(DTYPES[tensor.dtype], copy=False)
    if inner.dtype == np.uint8:
        return (inner.astype(np.int16) - 128).astype(np.int8)
    assert tensor.quant is not None
    return rounding.quantize(inner.astype(np.float32), float(tensor.quant.scale[0]), int(tensor.quant.zero[0]))


def to_source(edge: Edge, inner: Array) -> Array:
    """The inverse of the permutation: an array in the source's layout, of the type inside."""
    return np.ascontiguousarray(np.transpose(inner, np.argsort(edge.permutation)))


def generate(graph: Graph, seed: int) -> tuple[Array, ...]:
    """One generated sample: xorshift32 from the seed over all inputs, element by element."""
    words = _words(seed, sum(int(np.prod(graph.tensors[e.tensor].shape)) for e in graph.inputs))
    samples, at = [], 0
    for edge in graph.inputs:
        tensor = graph.tensors[edge.tensor]
        count = int(np.prod(tensor.shape))
        samples.append(_elements(words[at : at + count], tensor.dtype).reshape(tensor.shape))
        at += count
    return tuple(samples)


def _words(seed: int, count: int) -> Array:
    words = np.empty(count, np.uint32)
    x = seed
    for i in range(count):
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        words[i] = x
    return words


def _elements(words: Array, dtype: str) -> Array:
    if dtype == "f32":
        return ((words.view(np.int32) >> 8).astype(np.float64) * 2.0**-23).astype(np.float32)
    if dtype == "s32":
        return words.view(np.int32)
    if dtype == "s16":
        return (words >> np.uint32(16)).astype(np.uint16).view(np.int16)
    return (words >> np.uint32(24)).astype(np.uint8).view(DTYPES[dtype])
