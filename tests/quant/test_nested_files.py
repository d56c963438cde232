"""Files of nested int8 and int4: their sizes, what is in them, and what real networks keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import edgeq_host
from edgeq_host.export import Bundle, Variant, join, pack, prepack, to_bytes, unpack
from edgeq_host.graph import Array, Graph
from edgeq_host.importers import load
from edgeq_host.inspect import inspect
from edgeq_host.metrics import compare
from edgeq_host.produce import Packed, Source, pack_graph, predicted_bytes
from edgeq_host.recipe import Recipe, Step
from edgeq_host.reproduce import reproduce
from edgeq_host.scores import outcome
from edgeq_runtime import lists, native
from tests.quant.graphs import samples
from tests.quant.nested import KWS, NESTED, PLAIN, every_layer, made
from tests.quant.networks import data as data_of
from tests.quant.networks import keyword_spotting, mnist, tenths
from tests.quant.test_narrow import data, dense, pointwise


def alone(packed: Packed) -> list[bytes]:
    """A file of each variant by itself."""
    tables = unpack(packed.data, "nested")
    found = []
    for i in range(len(tables.variants)):
        one = unpack(packed.data, "nested")
        one.variants = [one.variants[i]]
        found.append(pack(one))
    return found


def outputs(file: bytes, variant: str, x: Array) -> bytes:
    return np.asarray(native.Model(file, variant=variant).run(x)).tobytes()


def test_each_variant_gives_the_outputs_that_it_gives_packed_alone() -> None:
    graph = every_layer()
    packed = made(graph)
    for variant, single in zip(packed.variants, alone(packed), strict=True):
        native.Model(packed.data, variant=variant.name).selftest()
        native.Model(single).selftest()
        written = to_bytes(Bundle("net", [Variant(variant.name, variant.graph)]))
        for (x,) in samples(graph, 3, seed=5):
            wanted = outputs(single, variant.name, x)
            assert outputs(packed.data, variant.name, x) == wanted == outputs(written, variant.name, x)


def limit(int8: Packed, nested: Packed) -> int:
    """What a nested file may have: 4 bytes more for every channel, 1 KiB, and the outputs of its self-test."""
    rows = {name: t for name, t in nested.variants[1].graph.tensors.items() if t.dtype == "s32" and name.endswith("/bias")}
    outs = sum(int(np.prod(e.shape)) for e in nested.variants[1].graph.outputs)
    return len(int8.data) + 4 * sum(t.shape[0] for t in rows.values()) + 1024 + 3 * min(outs, 1024)


@pytest.mark.parametrize("make", [every_layer, lambda: dense(1024, 64), lambda: pointwise(1024, 64)], ids=["every", "dense", "pointwise"])
def test_a_nested_file_is_hardly_larger_than_int8(make: Callable[[], Graph]) -> None:
    graph, recipe = make(), replace(NESTED, step=PLAIN)
    assert len(made(graph, recipe).data) <= limit(made(graph, Recipe()), made(graph, recipe))


@pytest.mark.parametrize(
    "network",
    [KWS, "mnist_valid_f.tflite", *(pytest.param(n, marks=pytest.mark.slow) for n in ("vww_96_float.onnx", "pretrainedResnet.onnx"))],
)
def test_real_networks_are_hardly_larger_than_int8(assets: Path, network: str) -> None:
    graph = load(assets / "models" / network)
    recipe = replace(NESTED, step=PLAIN)
    assert len(made(graph, recipe, 2).data) <= limit(made(graph, Recipe(), 2), made(graph, recipe, 2))


def test_keyword_spotting_nested_keeps_what_int8_has_and_int4_loses_at_most_25_points(assets: Path) -> None:
    graph = load(assets / "models" / KWS)
    inputs, rest = tenths(*keyword_spotting(assets))
    calibration = data_of([x[0] for x in inputs])
    nested, plain = (pack_graph(graph, Source(None, r, calibration, name="kws")) for r in (NESTED, Recipe()))
    assert len(nested.data) <= limit(plain, nested)
    real, whole = outcome(graph, rest, "top1"), outcome(plain.graph, rest, "top1")
    int8, int4 = (outcome(v.graph, rest, "top1") for v in nested.variants)
    assert real.score.samples == 450 and compare(whole, int8).value >= -0.005
    assert compare(real, int4).value >= -0.025
    assert outcome(nested.variants[1].graph, rest, "agreement", graph).score.value >= 0.94
    for variant, single in zip(nested.variants, alone(nested), strict=True):
        assert all(outputs(nested.data, variant.name, x) == outputs(single, variant.name, x) for (x,) in inputs[:5])


def test_mnist_nested_keeps_what_int8_has(assets: Path) -> None:
    graph = load(assets / "models" / "mnist_valid_f.tflite")
    inputs, rest = tenths(*mnist(assets))
    packed = pack_graph(graph, Source(None, NESTED, data_of([x[0] for x in inputs]), name="mnist"))
    whole = outcome(pack_graph(graph, Source(None, Recipe(), data_of([x[0] for x in inputs]), name="m")).graph, rest, "top1")
    int8, int4 = (outcome(v.graph, rest, "top1") for v in packed.variants)
    assert compare(whole, int8).value >= -0.005 and int4.score.value >= 0.96


def test_the_size_is_foretold_and_the_file_reproduced(assets: Path, tmp_path: Path) -> None:
    x = np.stack(keyword_spotting(assets)[0][:4])
    np.save(tmp_path / "calib.npy", x.reshape(4, *x.shape[2:]))
    source = Source(assets / "models" / KWS, NESTED, str(tmp_path / "calib.npy"), name="kws")
    packed = edgeq_host.quantize(source.model, str(tmp_path / "calib.npy"), precision="int8,w4a8", nested=True, name="kws")
    assert predicted_bytes(source) == len(packed.data)
    packed.save(tmp_path / "kws.eqm")
    assert "nested = true" in inspect(packed.data, "kws").provenance["recipe"]
    assert reproduce(tmp_path / "kws.eqm", model=source.model).equal


@pytest.mark.parametrize("step", [None, PLAIN], ids=["default", "nearest"])
def test_the_size_of_every_layer_is_foretold(step: tuple[Step, ...] | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    graph = every_layer()
    monkeypatch.setattr("edgeq_host.produce.load", lambda *_: graph)
    (tmp_path / "net.onnx").write_bytes(b"net")
    source = Source(tmp_path / "net.onnx", replace(NESTED, step=step), data(graph), name="net")
    assert predicted_bytes(source) == len(pack_graph(graph, source).data)


def test_inspect_shows_the_planes_and_their_bytes() -> None:
    int8, int4 = inspect(made(dense(1024, 64), replace(NESTED, step=PLAIN)).data, "net").variants
    both, high = (next(x for x in v.layers if x.name == "middle.node") for v in (int8, int4))
    assert (both.bits, both.nested, both.bytes) == (8, "both", 64 * (1024 + 9)) and both.of_int8 == 1.0
    assert (high.bits, high.nested, high.bytes) == (4, "high", 64 * (512 + 9 + 4))
    assert {x.nested for v in (int8, int4) for x in v.layers if x.bits and x.name != "middle.node"} == {""}


def test_joined_files_keep_nested_weights_once() -> None:
    graph = dense(256, 64)
    nested, real = made(graph), made(graph, Recipe("float32"))
    both = pack(join([unpack(p.data, "x") for p in (nested, real)], ["nested", "real"]))
    assert [v.name for v in inspect(both, "x").variants] == ["int8", "w4a8", "float32"]
    assert len(both) < len(nested.data) + len(real.data)
    (x,) = samples(graph, 1, seed=3)[0]
    assert all(outputs(both, v, x) == outputs(nested.data, v, x) for v in ("int8", "w4a8"))


def test_weights_packed_for_an_instruction_set_run_where_they_lie() -> None:
    graph = every_layer()
    packed = made(graph)
    names = [n for n in native.isas() if any(k.isa == n and k.kr and "s4x2" in k.types for k in lists.kernels())]
    (x,) = samples(graph, 1, seed=3)[0]
    for isa in names:
        ready, mask = prepack(unpack(packed.data, "net"), [isa]), 1 << native.isas()[isa]
        for variant in ("int8", "w4a8"):
            model = native.Model(ready, variant=variant, isas=mask)
            assert any(op.packing.endswith(", in the file") for op in model.ops())
            assert np.asarray(model.run(x)).tobytes() == outputs(packed.data, variant, x)
            model.selftest()
        assert prepack(unpack(ready, "net"), []) == packed.data
