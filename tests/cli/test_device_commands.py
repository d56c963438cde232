"""deploy, run, eval, profile, status, rollback and remove on the built-in board `local`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgeq_runtime
from edgeq_host.cli import target
from tests.cli.conftest import DIGITS, ROOT, Edgeq

TEST = DIGITS / "test.npz"


def test_deploy_run_eval_profile_give_the_integers_of_the_host(edgeq: Edgeq, packed: Path) -> None:
    deployed = edgeq("deploy", packed, "-b", "local", "--json").json
    assert deployed["changed"] and deployed["selftest"] == "passed" and deployed["version"] == 1
    x = np.load(TEST)["x"][:1]
    np.save("x.npy", x)
    assert edgeq("run", "digits", "-b", "local", "-i", "x.npy", "-o", "y.npy").code == 0
    assert np.array_equal(np.load("y.npy"), edgeq_runtime.open(str(packed)).run(x))
    here = edgeq("eval", packed, "--data", TEST, "--json").json
    there = edgeq("eval", "digits", "--data", TEST, "-b", "local", "--json").json
    assert here["top1"] == there["top1"] and there["board"] == "local"
    profile = edgeq("profile", "digits", "-b", "local", "--runs", 20, "--json").json
    assert profile["runs"] == 20 and profile["source"] == "measured"
    assert [x["name"] for x in profile["layers"]] == [x["name"] for x in edgeq("inspect", packed, "--json").json["layers"]]
    assert sum(layer["share"] for layer in profile["layers"]) == pytest.approx(1)


def test_a_file_without_a_board_is_profiled_on_this_machine(edgeq: Edgeq, packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = edgeq("profile", packed, "--runs", 2, "--json").json
    assert profile["board"] == "local" and profile["source"] == "measured" and profile["runs"] == 2
    named = edgeq("profile", "digits", "--runs", 2)
    assert named.code == 2 and "--board to name a model that is installed there" in named.err
    monkeypatch.setenv("EDGEQ_BOARD", "nowhere")
    assert edgeq("profile", packed).code == 2
    for command in ("run", "eval", "profile"):
        assert "without it this machine" in " ".join(edgeq(command, "--help").out.split())


def test_any_number_of_threads_gives_the_same_score_here_and_there(edgeq: Edgeq, packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models: list[Any] = []
    opened = target.opened
    monkeypatch.setattr(target, "opened", lambda *arguments: models.append(opened(*arguments)) or models[-1])
    for on in ((), ("-b", "local")):
        one, two = (edgeq("eval", packed, "--data", TEST, *on, "--threads", n, "--json").json for n in (1, 2))
        assert one == two and one["top1"] >= 0.98 and one["n"] == 599
    assert [model._threads.count for model in models[:2]] == [model.opened.threads for model in models[2:]] == [1, 2]


@pytest.mark.parametrize("count", [0, 65])
def test_a_number_of_threads_that_cannot_be_is_a_usage_error(edgeq: Edgeq, packed: Path, count: int) -> None:
    np.save("x.npy", np.load(TEST)["x"][:1])
    for words in (("run", packed, "-i", "x.npy"), ("eval", packed, "--data", TEST), ("profile", packed)):
        refused = edgeq(*words, "--threads", count)
        assert refused.code == 2 and "--threads" in refused.err and "1<=x<=64" in refused.err, words


def test_the_same_file_again_changes_nothing(edgeq: Edgeq, packed: Path) -> None:
    edgeq("deploy", packed, "-b", "local")
    again = edgeq("deploy", packed, "-b", "local", "--json")
    assert again.code == 0 and not again.json["changed"] and again.json["version"] == 1 and again.json["selftest"] == "not run"
    assert "self-test not run" in edgeq("deploy", packed, "-b", "local").out


@pytest.mark.parametrize("command", ["plan", "deploy"])
def test_plan_refuses_the_names_that_deploy_refuses(edgeq: Edgeq, packed: Path, command: str) -> None:
    named = edgeq(command, packed, "-b", "local", "--name", "../x")
    Path("my model ü.eqm").write_bytes(packed.read_bytes())
    by_stem = edgeq(command, "my model ü.eqm", "-b", "local")
    for refused in (named, by_stem):
        assert refused.code == 2 and "1 to 63 letters" in refused.err and "--name" in refused.err


def test_a_model_that_is_not_there_is_a_usage_error_in_every_command(edgeq: Edgeq) -> None:
    np.save("x.npy", np.zeros((1, 1), np.float32))
    for words in (("status", "m"), ("remove", "m"), ("rollback", "m"), ("run", "m", "-i", "x.npy"), ("profile", "m")):
        assert edgeq(*words, "-b", "local").code == 2, words


def test_a_variant_or_an_instruction_set_that_is_not_there_is_a_usage_error_here_and_there(
    edgeq: Edgeq, packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save("x.npy", np.load(TEST)["x"][:1])
    run, score = ("run", packed, "-i", "x.npy"), ("eval", packed, "--data", TEST)
    on = ("-b", "local")
    for words in (run, (*run, *on), score, (*score, *on), ("profile", packed, *on)):
        refused = edgeq(*words, "--variant", "int3")
        assert refused.code == 2 and "int3" in refused.err and "int8" in refused.err, words
    monkeypatch.setenv("EDGEQ_ISA", "bogus")
    for words in (run, (*run, *on), score, ("inspect", packed), ("plan", packed, *on), ("status", *on)):
        refused = edgeq(*words)
        assert refused.code == 2 and "bogus" in refused.err and "portable" in refused.err, words


def test_status_shows_damaged_versions_and_unfinished_uploads_and_remove_takes_them(edgeq: Edgeq, packed: Path, tmp_path: Path) -> None:
    edgeq("deploy", packed, "-b", "local", "--name", "m")
    (tmp_path / "store/m/v1.eqm").unlink()
    (tmp_path / "store/cut").mkdir()
    (tmp_path / "store/cut" / ("part-" + "0" * 32)).write_bytes(b"12345")
    shown = edgeq("status", "-b", "local")
    assert shown.code == 0 and "version 1: its file is missing" in shown.out and "unfinished upload, 5 bytes" in shown.out
    models = edgeq("status", "-b", "local", "--json").json["models"]
    assert [(m["name"], m["unfinished"], bool(m["damaged"])) for m in models] == [("cut", 5, False), ("m", 0, True)]
    np.save("x.npy", np.load(TEST)["x"][:1])
    assert "deploy the model again" in edgeq("run", "m", "-b", "local", "-i", "x.npy").err
    assert edgeq("remove", "cut", "-b", "local").code == 0
    assert [m["name"] for m in edgeq("status", "-b", "local", "--json").json["models"]] == ["m"]


def test_rollback_goes_back_and_forth_and_remove_removes(edgeq: Edgeq, packed: Path) -> None:
    edgeq("deploy", packed, "-b", "local", "--name", "m")
    assert edgeq("rollback", "m", "-b", "local").code == 2
    assert edgeq("quantize", DIGITS / "digits.onnx", "--precision", "float32", "-o", "f.eqm").code == 0
    assert edgeq("deploy", "f.eqm", "-b", "local", "--name", "m", "--json").json["version"] == 2
    assert edgeq("rollback", "m", "-b", "local", "--json").json["version"] == 1
    assert edgeq("rollback", "m", "-b", "local", "--json").json["version"] == 2
    status = edgeq("status", "-b", "local", "--json").json
    assert [(m["name"], m["current"]["version"], m["previous"]["version"]) for m in status["models"]] == [("m", 2, 1)]
    assert edgeq("remove", "m", "-b", "local").code == 0
    assert edgeq("status", "-b", "local", "--json").json["models"] == []


def test_plan_and_a_dry_run_write_nothing(edgeq: Edgeq, packed: Path, tmp_path: Path) -> None:
    edgeq("status", "-b", "local")
    before = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*"))
    planned = edgeq("plan", packed, "-b", "local", "--json").json
    dry = edgeq("deploy", packed, "-b", "local", "--dry-run", "--json").json
    assert sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*")) == before
    assert planned["bytes"] == packed.stat().st_size
    assert planned["arena_bytes"] == edgeq_runtime.open(str(packed)).plan.arena_bytes == dry["arena_bytes"]
    assert [x["kernel"] for x in planned["layers"]] == [x["kernel"] for x in edgeq("inspect", packed, "--json").json["layers"]]


def test_a_plan_shows_how_the_board_is_known_and_its_clock(edgeq: Edgeq, packed: Path) -> None:
    found = edgeq("plan", packed, "-b", "local", "--json").json
    evidence, clock = found["evidence"], found["device"]["clock_hz"]
    assert set(evidence) == {"kind", "date", "version", "how"} and all(evidence.values())
    shown = edgeq("plan", packed, "-b", "local").out
    assert f"{evidence['kind']}, {evidence['date']}, edgeq {evidence['version']}: {evidence['how']}" in shown
    assert (" at " in shown.splitlines()[0] and "Hz," in shown.splitlines()[0]) == bool(clock)


def test_an_installed_model_opens_by_name_and_refreshes(edgeq: Edgeq, packed: Path) -> None:
    edgeq("deploy", packed, "-b", "local", "--name", "app")
    model = edgeq_runtime.open("app")
    x = np.load(TEST)["x"][:1]
    before = model.run(x)
    edgeq("quantize", DIGITS / "digits.onnx", "--precision", "float32", "-o", "f.eqm")
    edgeq("deploy", "f.eqm", "-b", "local", "--name", "app")
    assert np.array_equal(model.run(x), before)
    assert model.refresh()
    assert not np.array_equal(model.run(x), before)
    assert not model.refresh()


def test_doctor_finds_a_working_machine(edgeq: Edgeq) -> None:
    found = edgeq("doctor", "--json")
    assert found.code == 0 and {f["what"] for f in found.json["findings"]} >= {"numpy", "runtime library", "agent on local"}


def test_doctor_says_whether_boards_can_be_emulated(edgeq: Edgeq, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def finding() -> dict[str, str]:
        found = edgeq("doctor", "--json")
        assert found.code == 0  # it is no fault to have none
        return next(f for f in found.json["findings"] if f["what"] == "emulator of aarch64")

    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert (finding()["state"], finding()["text"]) == ("ok", "/usr/bin/qemu-aarch64")
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert finding()["state"] == "missing" and "qemu-user" in finding()["hint"]


def test_the_first_line_says_which_board_is_meant_and_no_template(edgeq: Edgeq) -> None:
    found = edgeq("status", "-b", "host")
    assert found.code == 0 and found.err == "board local: This machine, the agent as a process\n", found.err


def test_a_device_does_not_say_that_it_is_this_machine(edgeq: Edgeq) -> None:
    """The same agent runs on every Linux machine."""
    found = edgeq("status", "-b", "local", "--json").json
    assert found["board"] == "local" and found["device"]["board"] == "linux"


def test_doctor_speaks_as_status_does(edgeq: Edgeq, packed: Path) -> None:
    edgeq("deploy", packed, "-b", "local")
    shown = edgeq("doctor").out.splitlines()
    assert shown[0].startswith("Python") and ", 1 model, " in shown[-1]
    unit = edgeq("status", "-b", "local").out.splitlines()[1].split()[-2:]  # "GB free"
    assert shown[-1].split()[-5:] == [*unit, "in", "the", "store"]


def test_a_full_store_is_said_and_changes_nothing(edgeq: Edgeq, packed: Path) -> None:
    """A limit on file size, inherited by the agent, stands for the full disk."""
    script = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); sys.argv = ['edgeq', *sys.argv[1:]]; "
    script += "from edgeq_host.cli.main import entry; entry()"
    edgeq("status", "-b", "local")
    done = subprocess.run([sys.executable, "-c", script, "deploy", str(packed), "-b", "local"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 3 and "Traceback" not in done.stderr, done.stderr
    assert "free space" in done.stderr
    assert edgeq("status", "-b", "local", "--json").json["models"] == []
    assert edgeq("deploy", packed, "-b", "local").code == 0


def test_inspect_asks_the_board_for_the_kernel_instruction_set_and_packing_of_every_layer(edgeq: Edgeq, packed: Path) -> None:
    here, there = edgeq("inspect", packed, "--json").json, edgeq("inspect", packed, "--kernels", "--board", "local", "--json").json
    assert there["board"] == "local" and there == here
    for layer in there["layers"]:
        assert bool(layer["kernel"]) == bool(layer["packing"])
    shown = edgeq("inspect", packed, "--kernels", "-b", "local").out
    assert "packing" in shown and "arena" not in shown
    assert edgeq("status", "--board", "local", "--json").json["models"] == []


def test_versions_and_the_log_on_the_command_line(edgeq: Edgeq, packed: Path, tmp_path: Path) -> None:
    files = packed, tmp_path / "mse.eqm", tmp_path / "percentile.eqm"
    source = DIGITS / "digits.onnx", "--calibration", DIGITS / "calibration.npz"
    for file in files[1:]:
        assert edgeq("quantize", *source, "--calibrator", file.stem, "-o", file).code == 0
    for file in files:
        assert edgeq("deploy", file, "-b", "local", "--name", "digits", "--keep", 3).code == 0
    (model,) = edgeq("status", "-b", "local", "--json").json["models"]
    assert [v["version"] for v in model["versions"]] == [3, 2, 1] and model["keep"] == 3
    assert "2, 1" in edgeq("status", "-b", "local").out
    assert edgeq("rollback", "digits@1", "-b", "local").out == "digits version 1 (was 3) runs on local\n"
    removed = edgeq("remove", "digits@2", "-b", "local", "--json").json
    assert (removed["name"], removed["version"]) == ("digits", 2)
    current = edgeq("remove", "digits@1", "-b", "local")
    assert current.code == 2 and "this version is the current one" in current.err and "edgeq remove digits -b local" in current.err
    for word in ("digits@", "digits@0", "digits@x"):
        assert edgeq("rollback", word, "-b", "local").code == edgeq("remove", word, "-b", "local").code == 2
    entries = edgeq("log", "-b", "local", "--json").json["entries"]
    assert [(e["event"], e["version"]) for e in entries] == [
        *(("installed", n) for n in (1, 2, 3)),
        ("rolled_back", 1),
        ("removed", 2),
    ]
    shown = edgeq("log", "digits", "-b", "local").out
    assert shown.startswith("local:\n") and shown.count("\n") == 7 and "rolled back" in shown
    assert edgeq("log", "nothing", "-b", "local").out == "local: nothing has happened\n"
    for keep in ("0", "9", "x"):
        assert edgeq("deploy", packed, "-b", "local", "--keep", keep).code == 2
