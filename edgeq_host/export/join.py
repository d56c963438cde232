"""Join the variants of several files of one model: every buffer that is the same is stored once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgeq_host.errors import ModelError
from edgeq_host.export import eqm_generated as eqm
from edgeq_runtime import lists


def join(models: list[eqm.ModelT], names: list[str]) -> eqm.ModelT:
    """One model with the variants of all, in order. ModelError where edges differ or a variant's name occurs twice."""
    first, *others = models
    index = {bytes(b.data): i for i, b in enumerate(first.buffers)}
    buffers = list(first.buffers)
    variants = list(first.variants)
    for model, name in zip(others, names[1:], strict=True):
        _same_source(first, model, names[0], name)
        place = []
        for buffer in model.buffers:
            data = bytes(buffer.data)
            if data not in index:
                index[data] = len(buffers)
                buffers.append(buffer)
            place.append(index[data])
        for variant in model.variants:
            rebase(variant, place)
            variants.append(variant)
    _distinct(variants)
    first.variants, first.buffers = variants, buffers
    return first


def rebase(variant: eqm.VariantT, place: Sequence[int] | Mapping[int, int]) -> None:
    """Let a variant name other buffers: place[i] where it named i."""
    entries = [entry for operator in variant.operators for entry in operator.packed or ()]
    for table in (*variant.tensors, *entries):
        if table.buffer >= 0:
            table.buffer = place[table.buffer]
    for entry in entries:
        if entry.low >= 0:
            entry.low = place[entry.low]
    if variant.selftest is not None:
        variant.selftest.inputs = np.asarray([place[i] for i in variant.selftest.inputs], np.int32)
        variant.selftest.outputs = np.asarray([place[i] for i in variant.selftest.outputs], np.int32)


def _same_source(a: eqm.ModelT, b: eqm.ModelT, a_name: str, b_name: str) -> None:
    hint = "join files quantized from the same source"
    for side in ("inputs", "outputs"):
        ours, theirs = (_edges(m, side) for m in (a, b))
        if ours != theirs:
            raise ModelError(f"{b_name} is not a variant of {a_name}: its {side} are {theirs}, not {ours}", hint)
    hashes = [b"" if m.provenance is None or m.provenance.sourceSha256 is None else bytes(m.provenance.sourceSha256) for m in (a, b)]
    if all(hashes) and hashes[0] != hashes[1]:
        raise ModelError(f"{b_name} is not a variant of {a_name}: they were made from different sources", hint)


def _edges(model: eqm.ModelT, side: str) -> str:
    kinds = {t.id: t.name for t in lists.qtypes().values()}
    return ", ".join(f"{_text(e.name)} {kinds[e.type]} {[int(d) for d in e.shape]}" for e in getattr(model, side))


def _text(name: bytes | str) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name


def _distinct(variants: list[eqm.VariantT]) -> None:
    names = [_text(v.name) for v in variants]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise ModelError(f"variant {', '.join(twice)} is in more than one of the files", "join files of different precision")
