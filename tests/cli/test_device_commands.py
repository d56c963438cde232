"""deploy, run, eval, profile, status, rollback and remove on the built-in board `local`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import edgeq_runtime
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


def test_the_same_file_again_changes_nothing(edgeq: Edgeq, packed: Path) -> None:
    edgeq("deploy", packed, "-b", "local")
    again = edgeq("deploy", packed, "-b", "local", "--json")
    assert again.code == 0 and not again.json["changed"] and again.json["version"] == 1


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
