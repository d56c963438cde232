"""SHA-256 of the outputs of every network on the golden inputs: `python -m tests.networks.hashes` writes docs/output-hashes.md.

Any machine, instruction set and thread must reproduce this table; test_hashes.py holds every subset of instruction sets to it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq_host.data import Data, Sample
from edgeq_host.graph import Graph
from edgeq_host.importers import load
from edgeq_host.produce import Source, pack_graph, produce
from edgeq_host.recipe import Recipe, Step
from edgeq_runtime import native
from tests.networks.zoo import FLOAT, INT8, SIGNS, TWINS, inputs_of, packed

Case = tuple[str, str]  # network, variant
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "output-hashes.md"


def _narrow(precision: str, group: int = 0) -> Recipe:
    """First and last layers too, and no steps: what is pinned is the arithmetic, and steps cost time."""
    return Recipe(precision, "minmax", group=group, int8_ends=False, step=())


VARIANTS = {
    **{name: Recipe(name) for name in ("float32", "int8", "w8a16")},
    "w4a8": _narrow("w4a8"),
    "w4a8, groups of 64": _narrow("w4a8", 64),
    **{name: _narrow(name) for name in ("w2a8", "ternary", "w1a8", "w4a16", "w4a4")},
    "w4a8, gptq": Recipe("w4a8"),
    "w2a8, groups of 32, gptq": Recipe("w2a8", group=32),
}
NARROW = tuple(name for name, recipe in VARIANTS.items() if recipe.step == ())
_WIDTHS = [f"w{weights}a{activations}" for weights in range(8, 0, -1) for activations in (16, 8, 4, 2)]
OTHERS = {name: _narrow(name) for name in _WIDTHS if name != "w8a8" and name not in VARIANTS}
_BIASES = (Step("bias_correction"),)  # without it no weights are nested
NESTED = {
    f"{names.partition(',')[0]}, nested": Recipe(names, int8_ends=False, step=_BIASES, nested=True) for names in ("int8,w4a8", "w4a8,int8")
}
RECIPES = {**VARIANTS, **OTHERS, **NESTED}
GPTQ = tuple(name for name in VARIANTS if name.endswith("gptq"))
WITH_GPTQ = ("kws_ref_model_float32.tflite", "mnist_valid_f.tflite")
EVERY_WIDTH = "mnist_valid_f.tflite"
ORDINARY = (*WITH_GPTQ, "pretrainedResnet.onnx")  # networks whose narrow variants CI runs
HEAD = """# Output hashes

SHA-256 over all output bytes of each network on the inputs of the reference data, in order. Every instruction set, machine and
number of threads gives these integers (int8, w8a16, narrow ones) and these bits (float32); `make test-all` holds this machine to the table.
Quantized variants of float networks are calibrated on the same inputs, so they stand for the arithmetic and not for accuracy: narrow ones
have weights of that width in every layer, the first and the last too (depthwise: 4 bits at least), rounded to nearest; those called gptq
are what `--precision` gives. Of nested files the first
variant runs. One small network has every width of weights beside every width of activations.

| network | variant | bytes of the pack | outputs |
|---|---|---|---|
"""


def ordinary() -> list[Case]:
    """Narrow variants of small networks: convolutions, depthwise and fully-connected layers."""
    return [(network, variant) for network in ORDINARY for variant in variants_of(network) if variant in (*NARROW, *GPTQ, *NESTED)]


def variants_of(network: str) -> tuple[str, ...]:
    """int8 networks have no floats, and keep their scales where activations are to have fewer levels; those of signs bring their widths."""
    if network in SIGNS:
        return "float32", "int8", "w8a16"
    if network.removesuffix(".tflite") in INT8:
        return "int8", "w8a16", *(name for name in NARROW if name != "w4a4")
    more = *(NESTED if network in ORDINARY else ()), *(GPTQ if network in WITH_GPTQ else ()), *(OTHERS if network == EVERY_WIDTH else ())
    return "float32", "int8", "w8a16", *NARROW, *more


def cases() -> list[Case]:
    networks = (*(f"{n}.tflite" for n in INT8), *FLOAT, *TWINS, *SIGNS)
    return [(network, variant) for network in networks for variant in variants_of(network)]


def marked(fast: Collection[Case], slow: Collection[Case] = ()) -> list[Any]:
    """Every case as a parameter: these in every run of the tests, these in those of CI, the rest in exhaustive ones."""
    exhaustive = [case for case in cases() if case not in fast and case not in slow]
    marks = {**dict.fromkeys(slow, pytest.mark.slow), **dict.fromkeys(exhaustive, pytest.mark.exhaustive)}
    return [case if case in fast else pytest.param(*case, marks=marks[case]) for case in cases()]


@cache
def pack_of(assets: Path, network: str, variant: str) -> bytes:
    stem, model = network.removesuffix(".tflite"), assets / "models" / network
    if stem in INT8:
        return packed(assets, stem) if variant == "int8" else produce(Source(model, RECIPES[variant])).data
    graph = load(model)
    return pack_graph(graph, Source(model, RECIPES[variant], _golden_data(graph, assets, network))).data


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


def rows() -> dict[Case, tuple[int, str]]:
    """The page as it stands: bytes of the pack, hash of the outputs."""
    found = [line.split("|") for line in PAGE.read_text().splitlines() if line.startswith("| ") and "`" in line]
    return {(r[1].strip(), r[2].strip()): (int(r[3]), r[4].strip().strip("`")) for r in found}


def table() -> dict[Case, str]:
    return {case: digest for case, (_, digest) in rows().items()}


def sizes() -> dict[Case, int]:
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
