"""Build a model file again from what its provenance names, and compare."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeq_host import __version__
from edgeq_host.errors import ModelError
from edgeq_host.export import prepack, read_file, unpack
from edgeq_host.export.prepack import names
from edgeq_host.inspect import text
from edgeq_host.produce import RANDOM, Source, produce
from edgeq_host.provenance import recorded_options, recorded_recipe


@dataclass(frozen=True)
class Reproduction:
    """equal: the same bytes. Otherwise `differs` says what, as far as it can be told apart.

    rebuilt_sha256: empty where it was not built, because the source or the program is another.
    """

    file: str
    equal: bool
    differs: tuple[str, ...]
    sha256: str
    rebuilt_sha256: str


def reproduce(file: Path, model: Path | None = None, calibration: Path | None = None, data: Path | None = None) -> Reproduction:
    """model, calibration, data: where the inputs lie; default: beside the file, under the names it recorded."""
    old = read_file(file)
    tables = unpack(old, str(file))
    recorded = None if tables.provenance is None else recorded_recipe(tables.provenance, str(file))
    if recorded is None or [text(v.name) for v in tables.variants] != [p.name for p in recorded.precisions]:
        found = "no provenance" if tables.provenance is None else f"{len(tables.variants)} variants joined from several files"
        raise ModelError(f"{file} has {found}: it cannot be built again in one run", "reproduce the file that edgeq quantize wrote")
    source, differs = _source(file, tables, model, calibration, data)
    if differs:
        return Reproduction(str(file), False, tuple(differs), hashlib.sha256(old).hexdigest(), "")
    new = produce(source).data
    if isas := names(tables):
        new = prepack(unpack(new, "the rebuilt file"), isas)
    if new != old:
        differs = _differences(tables, unpack(new, "the rebuilt file"))
    return Reproduction(str(file), new == old, tuple(differs), hashlib.sha256(old).hexdigest(), hashlib.sha256(new).hexdigest())


def _source(file: Path, tables: Any, model: Path | None, calibration: Path | None, data: Path | None) -> tuple[Source, list[str]]:
    """What to build from, and in which inputs it differs from what was recorded."""
    provenance = tables.provenance
    differs = []

    def place(given: Path | None, name: str, flag: str) -> Path | None:
        if not name:
            return None
        path = given or file.parent / name
        if not path.exists():
            raise ModelError(f"{file} was made from {name}, and there is no {path}", f"say where it is with {flag}")
        return path

    source = place(model, text(provenance.sourceName), "--model")
    if source is None:
        raise ModelError(f"{file} was made from a graph in a program, which no file holds", "run that program again")
    if hashlib.sha256(source.read_bytes()).digest() != bytes(provenance.sourceSha256):
        differs.append(f"{source} is not the file that was quantized (its SHA-256 differs)")
    if text(provenance.tool) != f"edgeq {__version__}":
        differs.append(f"made by {text(provenance.tool)}, this is edgeq {__version__}")
    used = text(provenance.calibrationName)
    seen = None if used == RANDOM else place(calibration, used, "--calibration")
    scored = place(data, text(provenance.scoreName), "--data")
    return Source(
        model=source,
        recipe=recorded_recipe(provenance, str(file)),
        calibration=RANDOM if used == RANDOM else None if seen is None else str(seen),
        score=None if scored is None else str(scored),
        options=recorded_options(provenance),
        name=text(tables.name),
        recorded=(text(provenance.sourceName), used, text(provenance.scoreName)),
    ), differs


def _differences(old: Any, new: Any) -> list[str]:
    """Parts of two files that differ, coarsely: what to look at."""
    found = []
    for label, hashes in (("calibration data", "calibrationSha256"), ("scored data", "scoreSha256")):
        if bytes(getattr(old.provenance, hashes)) != bytes(getattr(new.provenance, hashes)):
            found.append(f"the {label} is not what was used (its SHA-256 differs)")
    if text(old.provenance.recipe) != text(new.provenance.recipe):
        found.append("the recorded recipe")
    for a, b in zip(old.variants, new.variants, strict=True):
        if len(a.operators) != len(b.operators):
            found.append(f"{text(a.name)}: {len(a.operators)} operators, rebuilt {len(b.operators)}")
        if [t.scale for t in a.tensors] != [t.scale for t in b.tensors]:
            found.append(f"{text(a.name)}: scales of activations")
    if [bytes(x.data) for x in old.buffers] != [bytes(x.data) for x in new.buffers]:
        found.append("constants (weights, tables or self-test)")
    return found or ["structure of the file"]
