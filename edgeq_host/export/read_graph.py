"""The graph of a variant in a file: for reports on the host. A device never needs it."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeq_host.export import eqm_generated as eqm
from edgeq_host.export.body import DTYPES
from edgeq_host.graph import Edge, Graph, Node, Quant, Tensor
from edgeq_runtime import lists, packing


def to_graph(model: eqm.ModelT, variant: eqm.VariantT, names: Mapping[str, str]) -> Graph:
    """names: what a name in the file stands for (names there are shortened); others stay as they are, made unique by their number."""
    kinds = {t.id: t.name for t in lists.qtypes().values()}
    tensors = _tensors(model, variant, names, kinds)
    ops = {op.id: op for op in lists.ops().values()}
    nodes = []
    for i, row in enumerate(variant.operators):
        op = ops[row.op]
        inputs = tuple(tensors[j].name for j in _list(row.inputs))
        outputs = tuple(tensors[j].name for j in _list(row.outputs))
        nodes.append(Node(op.name, _text(row.name) or f"#{i}", inputs, outputs, _attributes(op, row.attributes)))
    return Graph(
        _text(model.name),
        {t.name: t for t in tensors},
        nodes,
        [_edge(e, tensors[i], kinds) for e, i in zip(model.inputs, variant.inputs, strict=True)],
        [_edge(e, tensors[i], kinds) for e, i in zip(model.outputs, variant.outputs, strict=True)],
        tuple(_text(label) for label in _list(model.labels)),
    )


def _tensors(model: eqm.ModelT, variant: eqm.VariantT, names: Mapping[str, str], kinds: Mapping[int, str]) -> list[Tensor]:
    found: list[Tensor] = []
    taken: set[str] = set()
    for i, row in enumerate(variant.tensors):
        short = _text(row.name)
        name = names.get(short, short)
        if not name or name in taken:
            name = f"{name}#{i}"
        taken.add(name)
        shape, dtype = tuple(int(d) for d in _list(row.shape)), kinds[row.type]
        data = None
        if row.buffer >= 0:
            stored = bytes(model.buffers[row.buffer].data)
            low = lists.qtypes()[dtype].bits < 8
            data = packing.unpack(stored, shape, dtype) if low else np.frombuffer(stored, DTYPES[dtype]).reshape(shape)
        quant = Quant(np.array([float(row.scale)]), np.array([row.zero], np.int64)) if row.scale else None
        found.append(Tensor(name, shape, dtype, data, quant))
    return found


def _attributes(op: lists.Op, words: Any) -> dict[str, Any]:
    values = [int(w) for w in _list(words)]
    attrs: dict[str, Any] = {}
    at = 0
    for field in op.fields:
        raw = values[at : at + (field.count or 1)]
        at += len(raw)
        typed = [struct.unpack("<f", struct.pack("<i", w))[0] for w in raw] if field.kind == "float" else raw
        attrs[field.name] = typed if field.count else typed[0]
    return attrs


def _edge(edge: eqm.EdgeT, tensor: Tensor, kinds: Mapping[int, str]) -> Edge:
    shape = tuple(int(d) for d in _list(edge.shape))
    order = tuple(int(p) for p in _list(edge.permutation)) or tuple(range(len(shape)))
    return Edge(_text(edge.name), tensor.name, shape, order, kinds[edge.type])


def _list(values: Any) -> list[Any]:
    return [] if values is None else list(values)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else (value or "")
