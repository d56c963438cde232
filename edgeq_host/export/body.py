"""Bundle -> the tables of schema/eqm.fbs (object API of the generated code)."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from typing import Any

import numpy as np

from edgeq_host.export import eqm_generated as eqm
from edgeq_host.export.arena import plan, tensor_bytes
from edgeq_host.export.bundle import Bundle, Provenance, Score, SelfTest, Variant
from edgeq_host.graph import Array, Edge, Graph, Node, Tensor
from edgeq_runtime import lists, packing

HASH_ABOVE = 1024  # bytes; longer self-test outputs are stored as their SHA-256 (SPEC.md 3.4)
NAME_LENGTH = 60  # characters; names of tensors and operators are for reports only
DTYPES = {"f32": "<f4", "s32": "<i4", "s8": "i1", "u8": "u1", "s4": "i1", "s2": "i1", "b1": "i1", "s16": "<i2"}  # before packing


class Buffers:
    """Constants, each distinct content once."""

    def __init__(self) -> None:
        self._data: list[bytes] = []
        self._index: dict[bytes, int] = {}

    def add(self, data: bytes) -> int:
        if data not in self._index:
            self._index[data] = self.own(data)
        return self._index[data]

    def own(self, data: bytes) -> int:
        """A buffer that is not shared, whatever it holds."""
        self._data.append(data)
        return len(self._data) - 1

    def tables(self) -> list[eqm.BufferT]:
        return [_table(eqm.BufferT, data=np.frombuffer(data, np.uint8)) for data in self._data]


def build(bundle: Bundle, keep_all: bool = False) -> eqm.ModelT:
    """The whole model as tables; the first variant's graph gives the edges."""
    buffers = Buffers()
    first = bundle.variants[0].graph
    variants = [_variant(v, buffers, keep_all) for v in bundle.variants]
    return _table(
        eqm.ModelT,
        name=bundle.name,
        alignment=bundle.alignment,
        inputs=[_edge(e) for e in first.inputs],
        outputs=[_edge(e) for e in first.outputs],
        labels=list(bundle.labels) or None,
        variants=variants,
        buffers=buffers.tables(),
        provenance=_provenance(bundle.provenance),
    )


def _table(kind: Any, **fields: Any) -> Any:
    table = kind()
    for name, value in fields.items():
        assert hasattr(table, name), name
        setattr(table, name, value)
    return table


def _ints(values: Iterable[int]) -> Array:
    return np.asarray(list(values), np.int32)


def _variant(variant: Variant, buffers: Buffers, keep_all: bool) -> eqm.VariantT:
    graph = variant.graph
    offsets, end = plan(graph, keep_all)
    used = used_tensors(graph)
    index = {name: i for i, name in enumerate(used)}
    return _table(
        eqm.VariantT,
        name=variant.name,
        tensors=[_tensor(graph.tensors[name], offsets, buffers) for name in used],
        operators=[_operator(node, index) for node in graph.nodes],
        inputs=_ints(index[e.tensor] for e in graph.inputs),
        outputs=_ints(index[e.tensor] for e in graph.outputs),
        activationBytes=end,
        selftest=_selftest(variant.selftest, buffers),
        score=_score(variant.score),
    )


def used_tensors(graph: Graph) -> list[str]:
    """Tensors that the file needs, in the order of their first use."""
    names = [e.tensor for e in graph.inputs]
    for node in graph.nodes:
        names += [*node.inputs, *node.outputs]
    names += [e.tensor for e in graph.outputs]
    return list(dict.fromkeys(names))


def short_name(name: str) -> str:
    """TFLite joins the names of everything it fused with ';': the last part, and of that the end, says most; ".." marks a cut."""
    last = name.rstrip(";").split(";")[-1]
    return last if len(last) <= NAME_LENGTH else ".." + last[2 - NAME_LENGTH :]


def _tensor(tensor: Tensor, offsets: dict[str, int], buffers: Buffers) -> eqm.TensorT:
    quant = tensor.quant
    single = quant is not None and quant.scale.size == 1
    table = _table(
        eqm.TensorT,
        shape=_ints(tensor.shape),
        type=lists.qtypes()[tensor.dtype].id,
        scale=float(quant.scale.reshape(-1)[0]) if quant is not None and single else 0.0,
        zero=int(quant.zero.reshape(-1)[0]) if quant is not None and single else 0,
    )
    if tensor.data is None:
        table.offset = offsets[tensor.name]
        table.name = short_name(tensor.name)
        return table
    data = np.asarray(tensor.data)  # tobytes below gives C order; ascontiguousarray would give a scalar a dimension
    want = np.dtype(DTYPES[tensor.dtype])
    assert data.dtype == want and data.shape == tensor.shape, f"{tensor.name}: {data.dtype} {data.shape}, not {want} {tensor.shape}"
    stored = data.tobytes() if lists.qtypes()[tensor.dtype].bits >= 8 else packing.pack(data, tensor.dtype)
    assert len(stored) == tensor_bytes(tensor)
    table.buffer = buffers.add(stored)
    return table


def attribute_words(node: Node) -> Array:
    """The attribute struct of ops.def as int32 words; floats by their bits."""
    words: list[int] = []
    for field in lists.ops()[node.op].fields:
        value = node.attrs[field.name]
        values = list(value) if field.count else [value]
        assert len(values) == (field.count or 1), f"{node.name}: {field.name} has {len(values)} values"
        if field.kind == "float":
            words += [struct.unpack("<i", struct.pack("<f", float(v)))[0] for v in values]
        else:
            words += [int(v) for v in values]
    return _ints(words)


def _operator(node: Node, index: dict[str, int]) -> eqm.OperatorT:
    return _table(
        eqm.OperatorT,
        op=lists.ops()[node.op].id,
        inputs=_ints(index[name] for name in node.inputs),
        outputs=_ints(index[name] for name in node.outputs),
        attributes=attribute_words(node),
        name=short_name(node.name),
    )


def _edge(edge: Edge) -> eqm.EdgeT:
    same = edge.permutation == tuple(range(len(edge.shape)))
    return _table(
        eqm.EdgeT,
        name=edge.name,
        shape=_ints(edge.shape),
        permutation=None if same else _ints(edge.permutation),
        type=lists.qtypes()[edge.dtype].id,
    )


def _selftest(selftest: SelfTest | None, buffers: Buffers) -> eqm.SelfTestT | None:
    if selftest is None:
        return None
    outputs = [o if len(o) <= HASH_ABOVE else hashlib.sha256(o).digest() for o in selftest.outputs]
    return _table(
        eqm.SelfTestT,
        inputs=_ints(buffers.add(np.ascontiguousarray(a).tobytes()) for a in selftest.inputs),
        seeds=np.asarray(selftest.seeds, np.uint32),
        outputs=_ints(buffers.own(o) for o in outputs),  # the size of a file does not depend on what its operators compute
    )


def _score(score: Score | None) -> eqm.ScoreT | None:
    if score is None:
        return None
    return _table(eqm.ScoreT, metric=score.metric, value=score.value, low=score.low, high=score.high, samples=score.samples)


def _provenance(provenance: Provenance | None) -> eqm.ProvenanceT | None:
    if provenance is None:
        return None
    return _table(
        eqm.ProvenanceT,
        sourceName=provenance.source_name,
        sourceSha256=np.frombuffer(provenance.source_sha256, np.uint8),
        recipe=provenance.recipe,
        tool=provenance.tool,
        calibrationSha256=np.frombuffer(provenance.calibration_sha256, np.uint8),
        scoreSha256=np.frombuffer(provenance.score_sha256, np.uint8),
        calibrationName=provenance.calibration_name,
        scoreName=provenance.score_name,
        importOptions=provenance.import_options,
    )
