"""edgeq bench as a user meets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Edgeq

pytest.importorskip("onnxruntime")
layers = pytest.importorskip("bench.layers")


def test_bench_of_a_model_gives_one_document_or_a_table(edgeq: Edgeq, tmp_path: Path) -> None:
    path = layers.write_tflite(layers.FC, tmp_path)
    found = edgeq("bench", path, "--against", "litert", "--rounds", "3", "--json").json
    assert found["schema"] == "edgeq.bench/1" and [o["engine"] for o in found["others"]] == ["litert"]
    assert "edgeq is faster by" in edgeq("bench", path, "--rounds", "3").out
    assert edgeq("bench", path, "--against", "ncnn").code == 2
    absent = edgeq("bench", "absent.tflite")
    assert absent.code == 2 and "there is no file absent.tflite" in absent.err and "or the word kernels" in absent.err


def test_bench_of_kernels_gives_peaks_and_every_row(edgeq: Edgeq) -> None:
    found = edgeq("bench", "kernels", "--rounds", "3", "--json").json
    assert found["schema"] == "edgeq.bench-kernels/1" and {k["isa"] for k in found["kernels"]} >= {"portable"}
    shown = edgeq("bench", "kernels", "--rounds", "3").out
    assert "GMAC/s" in shown and "Gelem/s" in shown and "portable" in shown.splitlines()[0]


def test_bench_of_a_boards_kernels_lets_plan_estimate(edgeq: Edgeq, packed: Path) -> None:
    said = "not measured: edgeq bench kernels --board local measures it"
    assert said in edgeq("plan", packed, "-b", "local").out.splitlines()
    nothing = edgeq("plan", packed, "-b", "local", "--json").json
    assert nothing["estimate"] is None and nothing["estimate_note"] == said
    found = edgeq("bench", "kernels", "-b", "local", "--rounds", "3", "--json").json
    assert (found["board"], found["source"], found["peaks"]) == ("local", "measured", []) and "portable" in found["isas"]
    shown = edgeq("plan", packed, "-b", "local")
    assert "modelled: rates measured" in shown.out and "by edgeq bench kernels --board local" in shown.out
    estimate = edgeq("plan", packed, "-b", "local", "--json").json["estimate"]
    assert estimate["source"] == "modelled" and estimate["rates_source"] == "measured" and estimate["latency_us"] > 0


def test_a_device_with_keys_is_measured_with_one_of_them(edgeq: Edgeq, packed: Path, tmp_path: Path) -> None:
    for name in ("release", "other"):
        assert edgeq("key", "new", "-o", tmp_path / f"{name}.key").code == 0
    assert edgeq("key", "enroll", tmp_path / "release.pub", "-b", "local").code == 0
    words = ("bench", "kernels", "-b", "local", "--rounds", "3")
    for key, said in (((), "has keys"), (("--key", tmp_path / "other.key"), "is none of")):
        refused = edgeq(*words, *key)
        assert refused.code == 6 and said in refused.err and "give the private key of one of them with --key" in refused.err
    assert edgeq(*words, "--key", tmp_path / "release.key").code == 0
    signed = tmp_path / "signed.eqm"
    assert edgeq("sign", packed, "--key", tmp_path / "release.key", "--counter", "1", "-o", signed).code == 0
    assert edgeq("plan", signed, "-b", "local", "--json").json["estimate"]["latency_us"] > 0
    assert edgeq("status", "-b", "local", "--json").json["models"] == []


def test_a_damaged_file_of_rates_is_ignored_with_a_note(edgeq: Edgeq, packed: Path, tmp_path: Path) -> None:
    edgeq("bench", "kernels", "-b", "local", "--rounds", "3")
    (path,) = (tmp_path / "cache/edgeq/rates").iterdir()
    path.write_bytes(b"{")
    shown = edgeq("plan", packed, "-b", "local")
    assert shown.code == 0 and f"measures it anew; {path}: " in shown.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["kernels", "--against", "litert"], "of models, not of kernels"),
        (["kernels", "--all"], "--all is of a board"),
        (["kernels", "-b", "local", "--rounds", "102"], "at most 101"),
        (["f.tflite", "-b", "local"], "on this machine alone"),
        (["f.tflite", "--key", "release.key"], "--key is of a board's kernels"),
        (["kernels", "--key", "release.key"], "--key is of a board's kernels"),
    ],
)
def test_options_of_the_other_kind_of_bench_are_refused(edgeq: Edgeq, words: list[str], said: str) -> None:
    found = edgeq("bench", *words)
    assert found.code == 2 and said in found.err


def test_rates_that_cannot_be_kept_are_shown_all_the_same(edgeq: Edgeq, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    found = edgeq("bench", "kernels", "-b", "local", "--rounds", "3")
    assert found.code == 0 and "GMAC/s" in found.out and "warning: edgeq plan will not know these rates" in found.err
