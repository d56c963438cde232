"""SHA-256 of the outputs of every network on the golden inputs: `python -m tests.networks.hashes` writes docs/output-hashes.md.

Any machine, instruction set and thread must reproduce this table; test_hashes.py holds every subset of instruction sets to it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from edgeq_host.data import Data, Sample
from edgeq_host.graph import Graph
from edgeq_host.importers import load
from edgeq_host.produce import Source, pack_graph
from edgeq_host.recipe import Recipe
from edgeq_runtime import native
from tests.networks.zoo import FLOAT, INT8, SIGNS, inputs_of, packed

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "output-hashes.md"
VARIANTS = ("float32", "int8", "w8a16")  # of float networks; those of signs have the first two
HEAD = """# Output hashes

SHA-256 over all output bytes of each network on the inputs of the reference data, in order. Every instruction set, machine and
number of threads gives these integers (int8, w8a16) and these bits (float32); `make test-all` holds this machine to the table.
Quantized variants of float networks are calibrated on the same inputs, so they stand for the arithmetic and not for accuracy.

| network | variant | bytes of the pack | outputs |
|---|---|---|---|
"""


def cases() -> list[tuple[str, str]]:
    """(network, variant)."""
    return [(f"{n}.tflite", "int8") for n in INT8] + [(n, v) for n in (*FLOAT, *SIGNS) for v in VARIANTS[: 3 - (n in SIGNS)]]


@cache
def pack_of(assets: Path, network: str, variant: str) -> bytes:
    stem = network.removesuffix(".tflite")
    if stem in INT8:
        return packed(assets, stem)
    graph = load(assets / "models" / network)
    data = _golden_data(graph, assets, network)
    return pack_graph(graph, Source(assets / "models" / network, Recipe(precision=variant), data)).data


def inputs(assets: Path, network: str, model: native.Model) -> list[list[Any]]:
    stem = network.removesuffix(".tflite")
    if stem in INT8:
        return [inputs_of(assets, stem)]
    return list(_golden(model.inputs, assets, network))


def _golden(edges: Any, assets: Path, network: str) -> Iterator[list[Any]]:
    """Every golden input, in order; of what has none, sixteen digits."""
    if network in SIGNS:
        with np.load(assets / "data" / "mnist_test_even5000.npz") as digits:
            yield from ([np.asarray(x.reshape(edges[0].shape) / np.float32(255), np.float32)] for x in digits["x"][:16])
        return
    with np.load(assets / "golden" / f"{network}.npz") as golden:
        for key in (k for k in golden.files if k.startswith("in")):
            yield [np.ascontiguousarray(golden[key].reshape(edges[0].shape), np.float32)]


def _golden_data(graph: Graph, assets: Path, network: str) -> Data:
    samples = [Sample(x, None) for x in _golden(graph.inputs, assets, network)]
    return Data(None, len(samples), False, lambda: iter(samples))


def digest(assets: Path, network: str, variant: str, isas: int | None = None, threads: int = 1) -> str:
    """Of the outputs under a mask of instruction sets."""
    model = native.Model(pack_of(assets, network, variant), isas=isas, threads=threads)
    total = hashlib.sha256()
    for sample in inputs(assets, network, model):
        result = model.run(sample)
        for y in result if isinstance(result, list) else [result]:
            total.update(np.ascontiguousarray(y).tobytes())
    return total.hexdigest()


def rows() -> dict[tuple[str, str], tuple[int, str]]:
    """The page as it stands: bytes of the pack, hash of the outputs."""
    found = [line.split("|") for line in PAGE.read_text().splitlines() if line.startswith("| ") and "`" in line]
    return {(r[1].strip(), r[2].strip()): (int(r[3]), r[4].strip().strip("`")) for r in found}


def table() -> dict[tuple[str, str], str]:
    return {case: digest for case, (_, digest) in rows().items()}


def sizes() -> dict[tuple[str, str], int]:
    return {case: size for case, (size, _) in rows().items()}


def main() -> None:
    assets = Path(os.environ.get("EDGEQ_ASSETS", ROOT.parent / "shared" / "assets"))
    lines = []
    for network, variant in cases():
        lines.append(f"| {network} | {variant} | {len(pack_of(assets, network, variant))} | `{digest(assets, network, variant)}` |")
        print(lines[-1], flush=True)
    PAGE.write_text(HEAD + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
