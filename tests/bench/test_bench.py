"""edgeq bench and the tables of make bench: every engine gets the same layer and the same bytes, figures come from one run."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from edgeq_host.bench import kernels, litert, ort, tflite_runtime, timing
from edgeq_host.bench.compare import compare, subject
from edgeq_host.bench.own import Edgeq
from edgeq_host.errors import UsageError
from edgeq_runtime import lists, native

pytest.importorskip("onnxruntime")
pytest.importorskip("ai_edge_litert")
from bench import goals, layers, measure, page
from edgeq_host.bench.litert import LiteRT


@pytest.fixture(scope="module")
def report() -> kernels.Report:
    return kernels.report(3)


def test_every_kernel_of_this_cpu_is_measured_beside_a_peak(report: kernels.Report) -> None:
    here = {k.stem for k in lists.kernels() if k.isa in native.isas()}
    assert {f"{s.kernel}__{s.isa}" for s in report.kernels} == here
    assert all((s.gmacs or s.gelems or 0) > 0 for s in report.kernels) and all(p.gmacs > 0 for p in report.peaks)
    assert {s.kernel.partition("_")[0] for s in report.kernels if s.gelems is not None} == {
        "add",
        "lookup",
        "maxpool",
        "sign",
        "sum",
        "unpack",
    }
    assert not [s for s in report.kernels if (s.gmacs is None) == (s.gelems is None)] and set(report.isas) == set(native.isas())
    assert all(s.share is None or 0 < s.share < 1.5 for s in report.kernels)


def test_kernels_are_those_of_the_instruction_sets_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEQ_ISA", "portable")
    found = kernels.report(3)
    assert found.isas == ("portable",) and {s.isa for s in found.kernels} == {"portable"}


def test_the_peak_of_a_row_is_that_of_its_instructions() -> None:
    if "avx2" not in lists.isas():
        pytest.skip("no such row")
    assert kernels.instruction("gemm_s8_s16_s8", "avx2", 2) == "vpmaddwd+vpaddd ymm"
    assert kernels.instruction("gemm_s8_u8_s8", "avx_vnni", 4) == "vpdpbusd ymm"
    assert kernels.instruction("gemm_f32_f32_f32", "avx2", 0) == "vfmadd231ps ymm"
    assert kernels.instruction("gemm_s8_s16_s8", "portable", 0) == ""
    assert kernels.instruction("gemm_s8_u8_b1", "avx2", 4) == "vpmaddwd+vpaddd ymm"
    assert kernels.instruction("gemm_b1_b1_b1", "avx2", 4) == "vpxor+vpshufb counts ymm"
    assert kernels.instruction("gemm_s8_b1_b1", "avx512_vpopcntdq", 4) == "vpxord+vpopcntd+vpaddd zmm"


@pytest.mark.parametrize("layer", layers.ALL, ids=lambda layer: layer.name)
def test_a_layer_is_the_same_on_every_engine(layer: layers.Layer, tmp_path: Path) -> None:
    path = layers.write_tflite(layer, tmp_path)
    made = layers.graph(path)
    engines = [Edgeq(layers.packed(made)), LiteRT(path), ort.Ort(layers.qdq(made)), ort.Ort(layers.qdq(made, signed=True))]
    data = np.random.default_rng(3).integers(-128, 128, layer.x).astype(np.int8)
    answers = []
    for engine, flip in zip(engines, (0, 0, 128, 0), strict=True):
        engine.fill([(data.view(np.uint8) ^ flip).tobytes()])
        assert engine.run(1) > 0
        answers.append((np.frombuffer(engine.outputs()[0], np.uint8) ^ flip).view(np.int8).astype(int))
    assert len(np.unique(answers[0])) > 100
    assert all(np.abs(answer - answers[0]).max() <= 1 for answer in answers[1:])


def test_unsigned_edges_give_the_same_integers(tmp_path: Path) -> None:
    path = layers.write_tflite(layers.FC, tmp_path)
    signed, unsigned = Edgeq(layers.packed(layers.graph(path))), Edgeq(layers.packed(layers.graph(path, unsigned=True)))
    data = layers.noise(1024)
    signed.fill([data])
    unsigned.fill([(np.frombuffer(data, np.uint8) ^ 128).tobytes()])
    assert signed.run(1) > 0 and unsigned.run(1) > 0
    assert signed.outputs()[0] == (np.frombuffer(unsigned.outputs()[0], np.uint8) ^ 128).tobytes()


def test_a_model_is_compared_with_every_engine_that_can_run_it(tmp_path: Path) -> None:
    path = layers.write_tflite(layers.FC, tmp_path)
    found = compare(subject(path), rounds=3)
    assert [o.engine for o in found.others] == ["onnxruntime", "litert"] and not any(o.reason for o in found.others)
    for other in found.others:
        assert other.us is not None and other.ratio == pytest.approx(other.us / found.us) and other.top1 is not None and other.top1 > 0.8
    eqm = tmp_path / "fc.eqm"
    eqm.write_bytes(subject(path).data)
    others = {o.engine: o for o in compare(subject(eqm), rounds=3).others}
    assert others["onnxruntime"].us and "give the one" in others["litert"].reason


def test_an_unknown_engine_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no engine 'ncnn'"):
        compare(subject(layers.write_tflite(layers.FC, tmp_path)), ["ncnn"])


def test_rounds_are_interleaved_and_a_failing_engine_is_named() -> None:
    order: list[str] = []

    def engine(name: str, ns: int) -> timing.Engine:
        def run(n: int) -> int:
            order.append(name)
            return ns * n

        return run

    assert timing.interleave({"a": engine("a", 10**7), "b": engine("b", 10**8)}, 3) == {"a": 1e7, "b": 1e8}
    assert order[-6:] == ["a", "b"] * 3
    with pytest.raises(Exception, match="broken failed"):
        timing.interleave({"broken": engine("broken", 0)}, 3)


def test_goals_say_what_is_met() -> None:
    us = {"edgeq": 10.0, "edgeq u8": 9.9, "litert": 9.6, "onnxruntime u8s8": 20.0, "onnxruntime f32": 30.0, "litert f32": 24.0}
    us |= {"edgeq avx2": 12.0, "read": 8.0, measure.AVX2: 5.0}
    found = {g.what: g for g in goals.of_layers({layer.name: measure.Times(layer, us) for layer in layers.ALL})}
    first = found["3x3 28x28x128 to 128, of the faster of onnxruntime u8s8 and LiteRT"]
    assert first.met and first.measured == "0.96 x (litert)"
    assert not found["depthwise 3x3 56x56x128, of the faster int8 peer"].met
    assert not found["depthwise 3x3 56x56x128, of the faster float"].met
    assert found["FC 1x1024 to 1024, signed against unsigned: slower by"].measured == "1.0 %"
    assert found["FC 1x1024 to 1024, weights read, of the bandwidth of reading 1 MiB"].met


def test_a_part_of_the_page_is_replaced_and_the_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "PAGE", tmp_path / "page.md")
    for part, text in (("a", "one"), ("b", "two"), ("a", "three")):
        page.write(part, text)
    written = page.PAGE.read_text()
    assert "one" not in written and written.index("three") < written.index("two") and written.count("<!-- begin a -->") == 1


def test_where_litert_is_not_installed_tflite_runtime_takes_its_place(assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its interpreter has the form of LiteRT's own, which stands in for it here."""
    monkeypatch.setattr(litert, "missing", lambda: "not installed")
    path = assets / "models" / "kws_ref_model.tflite"
    alone = compare(subject(path), ["litert"], rounds=3).others[0]
    assert alone.us is None and alone.reason == "not installed; tflite_runtime: not installed (pip install tflite_runtime)"
    monkeypatch.setattr(tflite_runtime, "missing", lambda: "")
    made = partial(tflite_runtime.TfliteRuntime, package="ai_edge_litert")
    monkeypatch.setattr(tflite_runtime, "TfliteRuntime", made)
    other = compare(subject(path), ["litert"], rounds=3).others[0]
    assert other.us is not None and other.us > 0 and other.top1 == 1.0 and other.version.endswith("(ai_edge_litert)")
