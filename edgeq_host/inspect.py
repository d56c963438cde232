"""What an .eqm file holds, and what it takes on this machine: exact sizes, kernels, scores, provenance."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from edgeq_host.export import eqm_generated as eqm
from edgeq_host.export import unpack
from edgeq_runtime import lists, native


@dataclass(frozen=True)
class EdgeView:
    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Layer:
    name: str
    op: str
    kernel: str
    isa: str
    macs: int


@dataclass(frozen=True)
class VariantView:
    """Sizes in bytes. model_bytes: memory that opening takes, packed weights included."""

    name: str
    arena_bytes: int
    activation_bytes: int
    scratch_bytes: int
    model_bytes: int
    packed_bytes: int
    macs: int
    layers: tuple[Layer, ...]
    selftest_samples: int
    score: dict[str, Any] | None


@dataclass(frozen=True)
class FileView:
    """sha256: of the whole file, as deploy and status give it."""

    name: str
    sha256: str
    bytes: int
    alignment: int
    inputs: tuple[EdgeView, ...]
    outputs: tuple[EdgeView, ...]
    labels: tuple[str, ...]
    variants: tuple[VariantView, ...]
    provenance: dict[str, str]


def text(value: Any) -> str:
    """A string of the generated reader, which gives bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else (value or "")


def inspect(data: bytes, name: str) -> FileView:
    """The view of a file's bytes; `name` is for errors. ModelError where the C reader refuses it."""
    tables = unpack(data, name)
    variants = tuple(_variant(data, v) for v in tables.variants)
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
    )


def _edge(edge: eqm.EdgeT) -> EdgeView:
    kinds = {t.id: t.name for t in lists.qtypes().values()}
    return EdgeView(text(edge.name), tuple(int(d) for d in edge.shape), kinds[edge.type])


def _variant(data: bytes, table: eqm.VariantT) -> VariantView:
    name = text(table.name)
    model = native.Model(data, variant=name)
    plan = model.plan
    selftest, score = table.selftest, table.score
    return VariantView(
        name=name,
        arena_bytes=plan.arena_bytes,
        activation_bytes=plan.activation_bytes,
        scratch_bytes=plan.scratch_bytes,
        model_bytes=plan.model_bytes,
        packed_bytes=plan.packed_bytes,
        macs=plan.macs,
        layers=tuple(Layer(op.name, op.op, op.kernel, op.isa, op.macs) for op in model.ops()),
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
