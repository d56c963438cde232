"""A float source and the file that was made from it, as graphs whose tensors carry the same names."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeq_host.data import Data, open_data
from edgeq_host.errors import ModelError, UsageError
from edgeq_host.export import read_file, unpack
from edgeq_host.export.body import short_name
from edgeq_host.export.read_graph import to_graph
from edgeq_host.graph import Graph
from edgeq_host.importers import load
from edgeq_host.importers.common import ImportOptions
from edgeq_host.inspect import text
from edgeq_host.provenance import recorded_options, recorded_recipe
from edgeq_host.quant import prepare
from edgeq_host.quant.build import bits_name
from edgeq_host.recipe import Recipe

INTEGER = ("_s8", "_s16", "_b1")  # endings of operators that compute in integers


@dataclass(frozen=True)
class Pair:
    float_graph: Graph
    quantized: Graph
    recipe: Recipe

    def data(self, path: Path) -> Data:
        return open_data(path, self.float_graph.inputs, self.recipe)


def open_pair(source: Path, file: Path, variant: str | None = None) -> Pair:
    """ModelError where `file` was not made from `source`."""
    tables = unpack(read_file(file), str(file))
    provenance = tables.provenance
    used = Recipe() if provenance is None else recorded_recipe(provenance, str(file))
    graph = prepare(load(source, ImportOptions() if provenance is None else recorded_options(provenance)), used)
    names = [text(v.name) for v in tables.variants]
    if variant is not None and variant not in names:
        raise UsageError(f"{file} has no variant {variant!r}", f"it has: {', '.join(names)}")
    chosen = tables.variants[names.index(variant) if variant is not None else 0]
    quantized = to_graph(tables, chosen, _full_names(graph))
    _check_source(source, file, provenance)
    if _is_float(quantized):
        raise UsageError(f"variant {text(chosen.name)} of {file} is not quantized", "choose another with --variant")
    if [e.shape for e in quantized.inputs] != [e.shape for e in graph.inputs]:
        found, wanted = ([list(e.shape) for e in g.inputs] for g in (quantized, graph))
        raise ModelError(f"{file} takes {found}, {source} takes {wanted}: one was not made from the other", "give the source of FILE")
    return Pair(graph, quantized, used)


def _is_float(graph: Graph) -> bool:
    return not any(node.op.endswith(INTEGER) for node in graph.nodes)


def _check_source(source: Path, file: Path, provenance: Any) -> None:
    """ModelError where the file records another source."""
    recorded = b"" if provenance is None or provenance.sourceSha256 is None else bytes(provenance.sourceSha256)
    if recorded and hashlib.sha256(source.read_bytes()).digest() != recorded:
        name = text(provenance.sourceName)
        raise ModelError(f"{file} was not made from {source}: the SHA-256 of its source ({name}) differs", "give the source of FILE")


def _full_names(graph: Graph) -> dict[str, str]:
    """By the shortened name in a file; names that shorten to the same are left out."""
    found: dict[str, list[str]] = {}
    for tensor in graph.tensors.values():
        if tensor.data is None:
            for name in (tensor.name, bits_name(tensor.name)):
                found.setdefault(short_name(name), []).append(name)
    return {short: names[0] for short, names in found.items() if len(names) == 1}
