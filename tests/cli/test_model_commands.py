"""check, quantize, inspect, eval, diagnose, reproduce, pack on the model of the repository."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

import edgeq_host
import edgeq_runtime
from tests.cli.conftest import DIGITS, Edgeq

MODEL, CALIBRATION, TEST = DIGITS / "digits.onnx", DIGITS / "calibration.npz", DIGITS / "test.npz"


def test_check_of_a_good_model_exits_0_and_lists_what_it_uses(edgeq: Edgeq) -> None:
    result = edgeq("check", MODEL, "--json")
    assert result.code == 0
    assert result.json["schema"] == "edgeq.check/1" and result.json["problems"] == []
    assert "conv2d_f32" in result.json["operators"] and "transpose" not in result.json["operators"]


def test_quantize_writes_a_file_and_prints_paired_scores(edgeq: Edgeq) -> None:
    result = edgeq("quantize", MODEL, "--calibration", CALIBRATION, "--data", TEST, "--precision", "int8", "-o", "m.eqm", "--json")
    assert result.code == 0, result.err
    found = result.json
    data = Path("m.eqm").read_bytes()
    assert found["bytes"] == len(data) and found["variants"][0]["precision"] == "int8"
    assert found["score"]["float"]["value"] >= 0.98 and found["variants"][0]["top1"] >= 0.98
    assert found["score"]["difference"]["within_noise"]
    edgeq_runtime.open("m.eqm").selftest()


def test_quantize_twice_gives_the_same_bytes(edgeq: Edgeq, packed: Path) -> None:
    edgeq("quantize", MODEL, "--calibration", CALIBRATION, "--data", TEST, "-o", "digits.eqm")
    assert Path("digits.eqm").read_bytes() == packed.read_bytes()


def test_reproduce_says_equal_and_names_a_changed_input(edgeq: Edgeq, packed: Path) -> None:
    inputs = ("--model", MODEL, "--calibration", CALIBRATION, "--data", TEST)
    assert edgeq("reproduce", packed, *inputs).out.startswith(f"{packed}: equal")
    np.savez("other.npz", x=np.load(CALIBRATION)["x"][:100])
    changed = edgeq("reproduce", packed, "--model", MODEL, "--calibration", "other.npz", "--data", TEST)
    assert changed.code == 10 and "calibration data is not what was used" in changed.out


def test_reproduce_without_its_inputs_says_which_flag_names_them(edgeq: Edgeq, packed: Path) -> None:
    result = edgeq("reproduce", packed)
    assert result.code == 3 and "digits.onnx" in result.err and "--model" in result.err


def test_inspect_shows_exact_sizes_kernels_and_provenance(edgeq: Edgeq, packed: Path) -> None:
    found = edgeq("inspect", packed, "--json").json
    assert found["bytes"] == packed.stat().st_size
    assert found["arena_bytes"] == edgeq_runtime.open(str(packed)).plan.arena_bytes
    assert {layer["op"] for layer in found["layers"]} >= {"conv2d_s8", "depthwise_conv2d_s8", "fully_connected_s8"}
    assert found["provenance"]["source_sha256"] == hashlib.sha256(MODEL.read_bytes()).hexdigest()
    assert "arena" in edgeq("inspect", packed).out


def test_plan_and_inspect_give_the_sizes_of_a_variant_under_the_same_keys(edgeq: Edgeq, packed: Path) -> None:
    sizes = ["name", "arena_bytes", "activation_bytes", "scratch_bytes", "model_bytes", "packed_bytes", "macs"]
    there, here = (edgeq(*words, "--json").json["variants"][0] for words in (("plan", packed, "-b", "local"), ("inspect", packed)))
    assert list(there) == sizes and list(here) == [*sizes, "layers", "selftest_samples", "score"]
    assert there == {key: here[key] for key in sizes}


def test_eval_prints_the_score_with_its_interval(edgeq: Edgeq, packed: Path) -> None:
    found = edgeq("eval", packed, "--data", TEST, "--json").json
    assert found["top1"] >= 0.98 and found["score"]["low"] < found["top1"] < found["score"]["high"] and found["n"] == 599


def test_eval_against_the_source_adds_agreement_and_sqnr(edgeq: Edgeq, packed: Path) -> None:
    found = edgeq("eval", packed, "--data", TEST, "--reference", MODEL, "--json").json
    assert found["agreement"] >= 0.99 and found["sqnr_db"][0] > 25


def test_eval_below_its_gate_exits_10(edgeq: Edgeq, packed: Path) -> None:
    assert edgeq("eval", packed, "--data", TEST, "--min", "90%").code == 0
    result = edgeq("eval", packed, "--data", TEST, "--min", "99.9%")
    assert result.code == 10 and "gate not met" in result.err


def test_diagnose_has_a_row_for_every_layer_with_a_float_twin(edgeq: Edgeq, packed: Path) -> None:
    found = edgeq("diagnose", MODEL, packed, "--data", TEST, "--samples", 20, "--json").json
    assert len(found["layers"]) >= 7
    assert all(layer["alone_db"] > 25 for layer in found["layers"])


def test_nested_precisions_share_a_file_and_wrong_ones_are_told(edgeq: Edgeq) -> None:
    words = ["quantize", MODEL, "--calibration", CALIBRATION, "--nested", "-o", "nested.eqm", "--precision"]
    assert edgeq(*words, "int8,w4a8").code == 0 and edgeq("eval", "nested.eqm", "--data", TEST, "--variant", "w4a8").code == 0
    shown = edgeq("inspect", "nested.eqm", "--kernels").out
    assert "4 + 4 nested" in shown and shown.count("4 nested") > 1
    wrong = edgeq(*words, "int8")
    assert wrong.code == 2 and "give --precision int8,w4a8, or leave --nested out" in wrong.err


def test_pack_joins_two_precisions_that_both_run(edgeq: Edgeq, packed: Path) -> None:
    assert edgeq("quantize", MODEL, "--precision", "float32", "-o", "float.eqm").code == 0
    result = edgeq("pack", packed, "float.eqm", "-o", "both.eqm", "--json")
    assert [v["name"] for v in result.json["variants"]] == ["int8", "float32"]
    scores = [edgeq("eval", "both.eqm", "--data", TEST, "--variant", v, "--json").json["top1"] for v in ("int8", "float32")]
    assert min(scores) >= 0.98
    assert edgeq("eval", "both.eqm", "--data", TEST, "--variant", "int4").code == 2


def test_pack_stores_weights_for_instruction_sets_and_takes_them_out_again(edgeq: Edgeq, packed: Path) -> None:
    here = next(layer["isa"] for layer in edgeq("inspect", packed, "--json").json["layers"] if " x " in layer["packing"])
    result = edgeq("pack", packed, "--isa", here, "--isa", "neon", "-o", "ready.eqm")
    assert result.code == 0 and f"weights also packed for {here}, neon" in result.out
    assert f"weights also packed for: {here}, neon" in edgeq("inspect", "ready.eqm").out
    plain, ready = (edgeq("plan", file, "--board", "local", "--json").json for file in (packed, Path("ready.eqm")))
    assert ready["variants"][0]["packed_bytes"] < plain["variants"][0]["packed_bytes"]
    assert any(layer["packing"].endswith(", in the file") for layer in ready["layers"])
    scores = [edgeq("eval", file, "--data", TEST, "--json").json["top1"] for file in (packed, Path("ready.eqm"))]
    assert scores[0] == scores[1]
    inputs = ("--model", MODEL, "--calibration", CALIBRATION, "--data", TEST)
    assert edgeq("reproduce", "ready.eqm", *inputs).out.startswith("ready.eqm: equal")
    assert edgeq("pack", "ready.eqm", "--no-isa", "-o", "plain.eqm").code == 0
    assert Path("plain.eqm").read_bytes() == packed.read_bytes()


def test_pack_takes_instruction_sets_with_commas_or_one_by_one(edgeq: Edgeq, packed: Path) -> None:
    found = edgeq("pack", packed, "--isa", "neon, neon_dotprod", "--isa", "avx2", "-o", "list.eqm", "--json").json
    assert found["packed_for"] == ["neon", "neon_dotprod", "avx2"]
    edgeq("pack", packed, "--isa", "neon", "--isa", "neon_dotprod", "--isa", "avx2", "-o", "each.eqm")
    assert Path("list.eqm").read_bytes() == Path("each.eqm").read_bytes()


@pytest.mark.parametrize("target", ["no/such/out.eqm", "file/out.eqm"])
def test_a_file_to_write_makes_no_folders(edgeq: Edgeq, packed: Path, target: str) -> None:
    Path("file").write_text("")
    for words in (("pack", packed, "--isa", "neon"), ("quantize", MODEL, "--precision", "float32")):
        result = edgeq(*words, "-o", target)
        assert result.code == 3 and result.err.startswith(f"error: {target}: ") and "nothing was written" in result.err
    assert sorted(path.name for path in Path().iterdir()) == ["file"]


def test_pack_refuses_what_it_cannot_pack_for_and_writes_nothing(edgeq: Edgeq, packed: Path) -> None:
    for arguments, says in (
        (("--isa", "sse9"), "no instruction set 'sse9'"),
        (("--isa", "neon,sse9"), "no instruction set 'sse9'"),
        (("--isa", ","), "names no instruction set"),
        (("--isa", "portable"), "no instruction set 'portable'"),
        (("--isa", "neon", "--no-isa"), "exclude each other"),
        ((), "there is only"),
    ):
        result = edgeq("pack", packed, *arguments, "-o", "ready.eqm")
        assert result.code == 2 and says in result.err and not Path("ready.eqm").exists()


def test_a_recipe_file_decides_and_flags_win(edgeq: Edgeq) -> None:
    Path("r.toml").write_text('calibrator = "percentile"\n[options]\npercentile = 99.9\n')
    assert edgeq("quantize", MODEL, "--recipe", "r.toml", "--calibration", CALIBRATION, "-o", "a.eqm").code == 0
    assert "percentile = 99.9" in edgeq("inspect", "a.eqm", "--json").json["provenance"]["recipe"]
    assert edgeq("quantize", MODEL, "--recipe", "r.toml", "--calibrator", "mse", "--calibration", CALIBRATION, "-o", "b.eqm").code == 0
    assert 'calibrator = "mse"' in edgeq("inspect", "b.eqm", "--json").json["provenance"]["recipe"]


def test_scored_samples_that_were_calibrated_on_are_named(edgeq: Edgeq) -> None:
    result = edgeq("quantize", MODEL, "--calibration", TEST, "--data", TEST, "-o", "m.eqm")
    assert result.code == 0 and "599 of 599 scored samples are in the calibration data" in result.err


def test_random_calibration_is_marked_in_the_file(edgeq: Edgeq) -> None:
    assert edgeq("quantize", MODEL, "--calibration", "random", "-o", "m.eqm").code == 0
    assert edgeq("inspect", "m.eqm", "--json").json["provenance"]["calibration"] == "random"


def test_the_python_functions_do_the_same(packed: Path) -> None:
    graph = edgeq_host.load(MODEL)
    made = edgeq_host.quantize(graph, np.load(CALIBRATION)["x"], data=(np.load(TEST)["x"], np.load(TEST)["y"]))
    assert made.comparison is not None and made.comparison.score.value >= 0.98
    assert edgeq_host.evaluate(made, TEST).value == edgeq_host.evaluate(packed, TEST).value
    assert edgeq_host.evaluate(graph, TEST).value >= 0.98


def test_help_names_every_command_and_its_example(edgeq: Edgeq) -> None:
    text = edgeq("--help").out
    for name in ("check", "quantize", "reproduce", "eval", "diagnose", "inspect", "pack", "plan", "deploy", "run", "status", "profile"):
        assert f"\n  {name} " in text
        assert f"edgeq {name}" in edgeq(name, "--help").out


@pytest.mark.parametrize("words", [[], ["quantize"], ["nonsense"], ["check", "--nonsense", "x"], ["quantize", "m.onnx", "--precision"]])
def test_wrong_words_exit_2_with_a_hint(edgeq: Edgeq, words: list[str]) -> None:
    result = edgeq(*words)
    assert result.code == 2 and (words == [] or "hint:" in result.err)


def test_reproduce_does_not_mind_other_names_and_stops_at_another_source(edgeq: Edgeq, packed: Path) -> None:
    Path("renamed.onnx").write_bytes(MODEL.read_bytes())
    Path("renamed.npz").write_bytes(CALIBRATION.read_bytes())
    inputs = ("--calibration", "renamed.npz", "--data", TEST)
    assert edgeq("reproduce", packed, "--model", "renamed.onnx", *inputs).code == 0
    result = edgeq("reproduce", packed, "--model", CALIBRATION, *inputs)
    assert result.code == 10 and "is not the file that was quantized" in result.out


def test_calibration_that_says_nothing_is_warned_about(edgeq: Edgeq) -> None:
    noise = edgeq("quantize", MODEL, "--calibration", "random", "-o", "n.eqm")
    assert "for timing only" in noise.err
    np.savez("zero.npz", x=np.zeros((70, 1, 8, 8), np.float32))
    assert "every calibration sample of image is 0 throughout" in edgeq("quantize", MODEL, "--calibration", "zero.npz", "-o", "z.eqm").err


def test_export_onnx_writes_a_model_that_onnx_accepts(edgeq: Edgeq, packed: Path) -> None:
    import onnx

    found = edgeq("export", "onnx", packed, "-o", "out.onnx", "--json").json
    assert found["format"] == "onnx" and found["bytes"] == Path("out.onnx").stat().st_size
    onnx.checker.check_model("out.onnx", full_check=True)
    assert edgeq("export", "onnx", packed, "-o", "out.onnx", "--variant", "int9").code == 2
    assert edgeq("export", "onnx", "absent.eqm", "-o", "out.onnx").code == 2


def test_check_shows_operators_without_their_element_type_and_says_what_is_quantized(edgeq: Edgeq, assets: Path) -> None:
    found = edgeq("check", assets / "models" / "vww_96_int8.tflite")
    assert "conv2d x14" in found.out and "_f32" not in found.out and "quantized already: its scales are kept" in found.out
    assert edgeq("check", assets / "models" / "vww_96_int8.tflite", "--json").json["operators"]["conv2d_f32"] == 14
    assert "quantized already" not in edgeq("check", MODEL).out


def test_check_of_a_large_model_with_open_shapes_says_what_to_give_and_then_where_to_cut(edgeq: Edgeq, assets: Path) -> None:
    model = assets / "models" / "silero_vad_16k_op15.onnx"
    found = edgeq("check", model)
    assert found.code == 3 and "--shape input=1,N --shape state=2,N,128" in found.out and "If '/model/If'" in found.out
    shapes = ("--shape", "input=1,512", "--shape", "state=2,1,128")
    cut = edgeq("check", model, *shapes, "--json").json["cut"]
    assert edgeq("check", model, *shapes, "--outputs", ",".join(cut["outputs"])).code == 0


def test_an_input_is_refused_as_an_output(edgeq: Edgeq) -> None:
    name = edgeq("check", MODEL, "--json").json["inputs"][0]["name"]
    for words in (["check", MODEL], ["quantize", MODEL, "--calibration", "random"]):
        found = edgeq(*words, "--outputs", name)
        assert found.code == 2 and f"--outputs {name}" in found.err


def test_eval_without_labels_takes_agreement_with_the_reference(edgeq: Edgeq, packed: Path) -> None:
    np.savez("unlabelled.npz", x=np.load(TEST)["x"][:20])
    found = edgeq("eval", packed, "--data", "unlabelled.npz", "--reference", MODEL, "--json").json
    assert found["score"]["metric"] == "agreement" and found["agreement"] == found["score"]["value"]
    assert "agreement" in edgeq("eval", packed, "--data", "unlabelled.npz", "--reference", MODEL).out
    for words in ([], ["--reference", MODEL, "--metric", "top1"]):
        assert "labels" in edgeq("eval", packed, "--data", "unlabelled.npz", *words).err
    assert "compared with the input" in edgeq("eval", packed, "--data", "unlabelled.npz", "--metric", "mse").err


def test_quantize_reports_every_sample_that_is_calibrated_and_scored() -> None:
    from edgeq_host.produce import Source, produce

    moves: list[tuple[int, int]] = []
    plain = Source(MODEL, calibration="random", score=str(TEST), name="digits")
    told = produce(replace(plain, progress=lambda done, of: moves.append((done, of)))).data
    samples = len(np.load(TEST)["x"])
    assert [done for done, _ in dict.fromkeys(moves)] == list(range(1, 8 + 2 * samples + 1))
    assert {of for _, of in moves} == {8 + 2 * samples} and told == produce(plain).data


def test_the_functions_of_the_package_are_listed() -> None:
    assert {"load", "quantize", "evaluate", "from_torch", "__version__"} <= set(dir(edgeq_host))


def test_one_of_a_thing_is_not_called_several(edgeq: Edgeq) -> None:
    node = onnx.helper.make_node("Tanh", ["x"], ["y"])
    edges = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 4]) for name in "xy"]
    model = onnx.helper.make_model(
        onnx.helper.make_graph([node], "one", [edges[0]], [edges[1]]), opset_imports=[onnx.helper.make_opsetid("", 13)]
    )
    onnx.save(model, "one.onnx")
    assert "one.onnx (onnx): 1 operator\n" in edgeq("check", "one.onnx").out
    assert ", 1 operator" in edgeq("quantize", "one.onnx", "--precision", "float32", "-o", "one.eqm").out
    refused = edgeq("export", "onnx", "one.eqm", "-o", "out.onnx")
    assert refused.code == 3 and "no form in ONNX QDQ for 1 of 1 layer\n" in refused.err and "float32" in refused.err
