"""What an .eqm file holds, and what it takes on this machine: exact sizes, kernels, scores, provenance."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from edgeq_host import costs, rates, signing
from edgeq_host.costs import Cost, There
from edgeq_host.deploy import connect, refusals
from edgeq_host.device import MEMORY
from edgeq_host.export import check_file, refusal, unpack
from edgeq_host.export import eqm_generated as eqm
from edgeq_host.export.prepack import names as packed_for
from edgeq_host.export.read_graph import to_graph
from edgeq_host.layer import Layer
from edgeq_host.levels import bits_read
from edgeq_host.sizes import Sizes, sizes
from edgeq_host.stored import Stored, stored
from edgeq_host.targets import Target
from edgeq_runtime import abi, lists, native


@dataclass(frozen=True)
class EdgeView:
    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class LayerView(Layer):
    """activations: bits of the first value that it reads, as far as types, clamps and tables of the file show them; 32: no integers.
    bits: of its weights. nested: "both" or "high", the planes of nested weights that it reads; empty: they are not. bytes: of the
    weights and of what scales them, in the file; of_int8: over what int8 takes. None where it has no weights. cost: what is expected where
    it runs portable."""

    activations: int
    cost: Cost | None = None
    bits: int | None = None
    nested: str | None = None
    bytes: int | None = None
    of_int8: float | None = None


@dataclass(frozen=True)
class VariantView(Sizes):
    layers: tuple[LayerView, ...]
    selftest_samples: int
    score: dict[str, Any] | None


@dataclass(frozen=True)
class FileView:
    """sha256: of the whole file, as deploy and status give it. packed_for: instruction sets for which weights are packed in the file;
    isas: those in use where it was opened. signed: the key's id and the counter that the trailer names; only `edgeq verify` says whether
    that is true."""

    name: str
    sha256: str
    bytes: int
    alignment: int
    inputs: tuple[EdgeView, ...]
    outputs: tuple[EdgeView, ...]
    labels: tuple[str, ...]
    variants: tuple[VariantView, ...]
    provenance: dict[str, str]
    packed_for: tuple[str, ...]
    isas: tuple[str, ...]
    signed: signing.Claim | None = None


def text(value: Any) -> str:
    """A string of the generated reader, which gives bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else (value or "")


def inspect(data: bytes, name: str) -> FileView:
    """The view of a file's bytes; `name` is for errors. ModelError where the C reader refuses it."""
    tables = unpack(data, name)
    try:
        variants = tuple(_variant(data, tables, v) for v in tables.variants)
    except abi.IsaError:
        raise
    except native.Error as error:
        raise refusal(error, data, name) from error
    return FileView(
        name=text(tables.name),
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        alignment=tables.alignment,
        inputs=tuple(_edge(e) for e in tables.inputs),
        outputs=tuple(_edge(e) for e in tables.outputs),
        labels=tuple(text(label) for label in tables.labels or ()),
        variants=variants,
        provenance=_provenance(tables.provenance),
        packed_for=tuple(packed_for(tables)),
        isas=_isas_here(),
        signed=signing.claim(data),
    )


def on_board(view: FileView, data: bytes, target: Target) -> FileView:
    """The view with the sizes and kernels that a board's agent gives: the file is opened in its memory, its store is not touched."""
    check_file(data, view.name)
    with refusals(f"{view.name} on {target.name}"), connect(target) as device:
        facts, tables = device.facts(), unpack(data, view.name)
        there = There(facts.machine, facts.isa_names, rates.of(target, facts))
        device.put("", data, MEMORY)
        variants = []
        for variant, table in zip(view.variants, tables.variants, strict=True):
            opened = device.open(variant=variant.name)
            layers = device.layers()
            weights = [_stored(layer) for layer in variant.layers]
            read = [layer.activations for layer in variant.layers]
            views = _layers(layers, read, weights, costs.of(there, layers, tables, table))
            variants.append(replace(variant, layers=views, **sizes(variant.name, opened)))
    return replace(view, variants=tuple(variants), isas=facts.isa_names)


def _isas_here() -> tuple[str, ...]:
    """Those that are in use."""
    mask = native.isa_mask(os.environ.get("EDGEQ_ISA", "")) | 1 << native.isas()["portable"]
    return tuple(name for name, bit in native.isas().items() if mask >> bit & 1)


def _edge(edge: eqm.EdgeT) -> EdgeView:
    kinds = {t.id: t.name for t in lists.qtypes().values()}
    return EdgeView(text(edge.name), tuple(int(d) for d in edge.shape), kinds[edge.type])


def _layers(
    layers: Iterable[Layer], read: Iterable[int], weights: Iterable[Stored | None], found: Iterable[Cost | None]
) -> tuple[LayerView, ...]:
    each = zip(layers, read, weights, found, strict=True)
    return tuple(LayerView(**asdict(x), activations=bits, cost=cost, **({} if w is None else asdict(w))) for x, bits, w, cost in each)


def _stored(layer: LayerView) -> Stored | None:
    """Of a layer whose other facts are those of another machine."""
    if layer.bits is None or layer.nested is None or layer.bytes is None or layer.of_int8 is None:
        return None
    return Stored(layer.bits, layer.nested, layer.bytes, layer.of_int8)


def _variant(data: bytes, model_table: eqm.ModelT, table: eqm.VariantT) -> VariantView:
    name = text(table.name)
    model = native.Model(data, variant=name)
    layers = [Layer(op.name, op.op, op.kernel, op.isa, op.packing, op.macs) for op in model.ops()]
    found = costs.of(There(platform.machine(), _isas_here()), layers, model_table, table)
    selftest, score = table.selftest, table.score
    return VariantView(
        **sizes(name, model.plan),
        layers=_layers(layers, bits_read(to_graph(model_table, table, {})), stored(model_table, table), found),
        selftest_samples=0 if selftest is None else 1 + len(selftest.seeds if selftest.seeds is not None else ()),
        score=None
        if score is None
        else {"metric": text(score.metric), "value": score.value, "low": score.low, "high": score.high, "n": int(score.samples)},
    )


def _provenance(table: eqm.ProvenanceT | None) -> dict[str, str]:
    if table is None:
        return {}
    hashes = {
        "source_sha256": table.sourceSha256,
        "calibration_sha256": table.calibrationSha256,
        "score_sha256": table.scoreSha256,
    }
    texts = {
        "source": text(table.sourceName),
        "recipe": text(table.recipe),
        "tool": text(table.tool),
        "calibration": text(table.calibrationName),
        "score": text(table.scoreName),
        "import_options": text(table.importOptions),
    }
    return texts | {key: bytes(value).hex() if value is not None else "" for key, value in hashes.items()}
