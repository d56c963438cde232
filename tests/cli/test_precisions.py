"""Narrow weights at the command line: several precisions in a file, recipes with layers and steps, what is said of sizes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import DIGITS, Edgeq

CALIBRATION, TEST, MODEL = DIGITS / "calibration.npz", DIGITS / "test.npz", DIGITS / "digits.onnx"
QUANTIZE = ("quantize", MODEL, "--calibration", CALIBRATION)


def test_several_precisions_make_one_file_whose_variants_run(edgeq: Edgeq) -> None:
    made = edgeq(*QUANTIZE, "--data", TEST, "--precision", "int8,w4a8", "-o", "both.eqm", "--json").json
    assert [v["name"] for v in made["variants"]] == ["int8", "w4a8"] and made["written"] is True
    assert all(v["score"]["float"]["samples"] == v["score"]["difference"]["samples"] for v in made["variants"])
    assert made["score"] == made["variants"][0]["score"]
    for variant in made["variants"]:
        found = edgeq("eval", "both.eqm", "--data", TEST, "--variant", variant["name"], "--json").json
        assert found["top1"] == variant["top1"] == variant["score"][variant["name"]]["value"]
    shown = edgeq(*QUANTIZE, "--data", TEST, "--precision", "int8,w4a8", "-o", "both.eqm").out
    assert [line.split()[0] for line in shown.splitlines()[1:]] == ["int8", "w4a8", "float", "int8", "change", "w4a8", "change"]
    assert edgeq("reproduce", "both.eqm", "--model", MODEL, "--calibration", CALIBRATION, "--data", TEST).code == 0


def test_reproduce_says_which_variant_differs(edgeq: Edgeq) -> None:
    edgeq(*QUANTIZE, "--precision", "int8,w4a8", "-o", "both.eqm")
    result = edgeq("reproduce", "both.eqm", "--model", MODEL, "--calibration", TEST)
    assert result.code != 0 and "w4a8: scales of activations" in result.out


def test_a_file_that_pack_joined_is_still_not_reproduced(edgeq: Edgeq) -> None:
    for precision in ("int8", "w4a8"):
        edgeq(*QUANTIZE, "--precision", precision, "-o", f"{precision}.eqm", "--name", "digits")
    assert edgeq("pack", "int8.eqm", "w4a8.eqm", "-o", "joined.eqm").code == 0
    result = edgeq("reproduce", "joined.eqm", "--model", MODEL, "--calibration", CALIBRATION)
    assert result.code == 3 and "joined from several files" in result.err


SEVERAL = ("--precision", "int8,w4a8,ternary"), ("--precision", "w4a4,w4a8", "--group", "32")


@pytest.mark.parametrize("more", [(), ("--data", TEST), *SEVERAL])
def test_a_dry_run_says_the_size_to_the_byte_and_writes_nothing(edgeq: Edgeq, more: tuple[object, ...]) -> None:
    words = (*QUANTIZE, *more, "-o", "m.eqm")
    found = edgeq(*words, "--dry-run", "--json").json
    assert found["written"] is False and not Path("m.eqm").exists()
    assert f"{found['bytes']} bytes" in edgeq(*words, "--dry-run").out and not Path("m.eqm").exists()
    assert edgeq(*words).code == 0 and Path("m.eqm").stat().st_size == found["bytes"]


def test_inspect_prints_bits_and_size_beside_int8_of_every_layer(edgeq: Edgeq) -> None:
    edgeq(*QUANTIZE, "--precision", "w4a8", "--no-int8-ends", "-o", "m.eqm")
    layers = edgeq("inspect", "m.eqm", "--json").json["layers"]
    weighted = [x for x in layers if x["bits"] is not None]
    assert {x["bits"] for x in weighted} == {4} and all(0.5 < x["of_int8"] < 0.8 and x["bytes"] > 0 for x in weighted)
    assert 0 < len(weighted) < len(layers)
    shown = edgeq("inspect", "m.eqm", "--kernels").out
    assert "of int8" in shown.splitlines()[0] and f"{weighted[0]['of_int8']:.3f}" in shown
    there = edgeq("inspect", "m.eqm", "--board", "local", "--json").json["layers"]
    assert [(x["bits"], x["of_int8"]) for x in there] == [(x["bits"], x["of_int8"]) for x in layers]


def test_a_recipe_of_layers_and_steps_is_recorded_as_it_was_in_force(edgeq: Edgeq) -> None:
    name = next(x["name"] for x in edgeq_layers(edgeq) if x["bits"])
    Path("r.toml").write_text(
        f'precision = "w4a8"\ngroup = 32\n[[layer]]\nmatch = {json.dumps(name)}\nprecision = "w6a8"\n'
        '[[step]]\nmethod = "mse"\nsteps = 20\n[[step]]\nmethod = "bias_correction"\n'
    )
    assert edgeq(*QUANTIZE, "--recipe", "r.toml", "-o", "m.eqm").code == 0
    recorded = edgeq("inspect", "m.eqm", "--json").json["provenance"]["recipe"]
    for line in ('precision = "w4a8"', "group = 32", "int8_ends = true", f"match = {json.dumps(name)}", 'precision = "w6a8"', "steps = 20"):
        assert line in recorded.splitlines()
    assert "gptq" not in recorded
    assert edgeq("reproduce", "m.eqm", "--model", MODEL, "--calibration", CALIBRATION).code == 0


def edgeq_layers(edgeq: Edgeq) -> list[dict[str, object]]:
    edgeq(*QUANTIZE, "-o", "plain.eqm")
    found: list[dict[str, object]] = edgeq("inspect", "plain.eqm", "--json").json["layers"]
    return found


def test_a_file_whose_recipe_is_older_than_steps_opens_and_reproduces(edgeq: Edgeq) -> None:
    Path("old.toml").write_text('precision = "int8"\nbias_correction = false\n')
    Path("new.toml").write_text('precision = "int8"\nstep = []\n')
    for name in ("old", "new"):
        assert edgeq(*QUANTIZE, "--recipe", f"{name}.toml", "-o", f"{name}.eqm", "--name", "m").code == 0
    assert Path("old.eqm").read_bytes() == Path("new.eqm").read_bytes()
    Path("on.toml").write_text("bias_correction = true\n")
    edgeq(*QUANTIZE, "--recipe", "on.toml", "-o", "on.eqm", "--name", "m")
    edgeq(*QUANTIZE, "-o", "plain.eqm", "--name", "m")
    assert Path("on.eqm").read_bytes() == Path("plain.eqm").read_bytes() != Path("new.eqm").read_bytes()


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("--precision", "int4"), "w4a8 or w4a4?"),
        (("--precision", "int8,int8"), "named twice"),
        (("--precision", "w4a8", "--group", "48"), "32, 64, 128"),
        (("--precision", "w4a8", "--recipe", "layer.toml"), "no such layer"),
        (("--recipe", "order.toml"), "write 'mse' first"),
    ],
)
def test_what_cannot_be_made_exits_2_and_writes_nothing(edgeq: Edgeq, words: tuple[str, ...], answer: str) -> None:
    Path("layer.toml").write_text('[[layer]]\nmatch = "nowhere"\nprecision = "w2a8"\n')
    Path("order.toml").write_text('precision = "w4a8"\n[[step]]\nmethod = "gptq"\n[[step]]\nmethod = "mse"\n')
    result = edgeq(*QUANTIZE, *words, "-o", "m.eqm")
    assert result.code == 2 and answer in result.err and not Path("m.eqm").exists()


@pytest.mark.parametrize(
    ("precision", "bits"), [("int8", 8), ("w4a8", 8), ("w4a4", 4), ("w8a2", 2), ("w8a16", 16), ("binary", 1), ("float32", 32)]
)
def test_inspect_shows_how_wide_the_activations_are_that_a_layer_reads(edgeq: Edgeq, precision: str, bits: int) -> None:
    ends = () if precision in ("binary", "float32") else ("--no-int8-ends",)
    edgeq(*QUANTIZE, "--precision", precision, *ends, "-o", "m.eqm")
    layers = edgeq("inspect", "m.eqm", "--json").json["layers"]
    weighted = [x["activations"] for x in layers if x["op"].startswith(("conv2d", "fully_connected"))]
    assert bits in weighted and set(weighted) <= {bits, 8}
    shown = edgeq("inspect", "m.eqm", "--kernels").out.splitlines()
    at = shown[0].index("acts")
    assert [int(line[: at + 4].split()[-1]) for line in shown[1 : len(layers) + 1]] == [x["activations"] for x in layers]
    there = edgeq("inspect", "m.eqm", "--board", "local", "--json").json["layers"]
    assert [x["activations"] for x in there] == [x["activations"] for x in layers]


def test_one_layer_of_other_activations_is_seen(edgeq: Edgeq) -> None:
    name = next(x["name"] for x in edgeq_layers(edgeq)[1:] if x["bits"])
    Path("r.toml").write_text(f'precision = "w4a8"\n[[layer]]\nmatch = {json.dumps(name)}\nprecision = "w4a2"\n')
    assert edgeq(*QUANTIZE, "--recipe", "r.toml", "-o", "m.eqm").code == 0
    assert {x["name"]: x["activations"] for x in edgeq("inspect", "m.eqm", "--json").json["layers"] if x["bits"]}[name] == 2


def test_diagnose_says_which_operators_have_no_row_of_their_own_and_why(edgeq: Edgeq) -> None:
    edgeq(*QUANTIZE, "--precision", "binary", "-o", "m.eqm")
    words = ("diagnose", MODEL, "m.eqm", "--data", TEST, "--samples", 5)
    found, shown = edgeq(*words, "--json").json, edgeq(*words).out
    joined = {name for x in found["layers"] for name in x["before"]}
    operators = {x["name"] for x in edgeq("inspect", "m.eqm", "--json").json["layers"]}
    assert joined and operators == joined | {x["name"] for x in found["layers"]} and not found["not_compared"]
    assert f"{len(joined)} of {len(operators)} operators measured together with the one behind" in shown
    assert "behind signs that the float model does not have" in shown and "calibrate with data like it" not in shown
    Path("r.toml").write_text('[[layer]]\nmatch = "scores"\nprecision = "float32"\n')
    edgeq(*QUANTIZE, "--recipe", "r.toml", "-o", "f.eqm")
    shown = edgeq("diagnose", MODEL, "f.eqm", "--data", TEST, "--samples", 5).out
    assert "not compared, 2 of" in shown and "computes in float32" in shown and "scores" in shown
