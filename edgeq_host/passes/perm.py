"""Permutations of dimensions, as the transpose operator has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgeq_host.graph import Array, Attrs, Node, Quant, Tensor
from edgeq_host.passes.rewriter import Rewriter

Perm = tuple[int, ...]
_FIELD = 6


def attrs_of(perm: Sequence[int]) -> Attrs:
    return {"perm": [*perm, *[0] * (_FIELD - len(perm))]}


def perm_of(rewriter: Rewriter, node: Node) -> Perm:
    return tuple(node.attrs["perm"][: len(rewriter.shape(node.inputs[0]))])


def inverse(perm: Perm) -> Perm:
    return tuple(perm.index(i) for i in range(len(perm)))


def compose(first: Perm, then: Perm) -> Perm:
    """One permutation for `first` followed by `then`."""
    return tuple(first[i] for i in then)


def apply(perm: Perm, dims: Sequence[int]) -> tuple[int, ...]:
    return tuple(dims[i] for i in perm)


def moves_nothing(perm: Perm, shape: Sequence[int]) -> bool:
    """Only dimensions of 1 change their place: the bytes stay where they are."""
    kept = [i for i in perm if shape[i] != 1]
    return kept == sorted(kept)


def pad_fields(values: Sequence[int], neutral: int) -> list[int]:
    """An array field of ops.def: unused entries are neutral."""
    return [*values, *[neutral] * (_FIELD - len(values))]


def transposed(tensor: Tensor, perm: Perm) -> tuple[Array, Quant | None]:
    """Data and quantization of a constant with its dimensions permuted."""
    assert tensor.data is not None
    quant = tensor.quant
    if quant is not None and quant.axis is not None:
        quant = replace(quant, axis=perm.index(quant.axis))
    return np.ascontiguousarray(np.transpose(tensor.data, perm)), quant


def source_of(rewriter: Rewriter, name: str) -> tuple[str, Perm] | None:
    """(x, perm) where `name` is x transposed, the quantization of both being the same."""
    node = rewriter.maker(name, "transpose")
    if node is None or not same_meaning(rewriter, node.inputs[0], name):
        return None
    return node.inputs[0], perm_of(rewriter, node)


def same_meaning(rewriter: Rewriter, a: str, b: str) -> bool:
    """Both tensors have the same per-tensor quantization, or none: a mover between them keeps every value."""
    p, q = rewriter.tensor(a).quant, rewriter.tensor(b).quant
    if p is None or q is None:
        return p is q
    return np.array_equal(p.scale, q.scale) and np.array_equal(p.zero, q.zero)
