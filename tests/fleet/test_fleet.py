"""Deploy to many: all are planned first, what fails on one leaves the others alone, and a run can be finished later."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.ssh.server import descendants, programs, wait_until
from edgeq_host import inventory, targets
from edgeq_host.deploy import rollback
from edgeq_host.errors import ModelError
from edgeq_host.fleet import runs
from tests.agent.conftest import packed
from tests.cli.conftest import Edgeq
from tests.cli.test_interrupt import START
from tests.fleet.conftest import Fleet, installed, lines


def test_twenty_devices_four_unreachable_one_failing_its_self_test(
    fleet: Fleet, model: Path, edgeq: Edgeq, faulty_agent: Path, tmp_path: Path
) -> None:
    names = [f"d{i:02}" for i in range(20)]
    for name in names:
        broken = {"d03": "/nowhere/agent", "d07": "/bin/false", "d11": "/nowhere/agent", "d19": "/bin/true"}
        broken["d05"] = f"env EDGEQ_TEST_FAULT=crash {faulty_agent}"
        fleet.add(name, broken.get(name, ""))
    found = edgeq("deploy", model, "--all", "--json")
    devices, last = lines(found)
    assert found.code == 7 and sorted(devices) == names
    assert last["states"] == {"done": 15, "unreachable": 4, "failed": 1}
    assert {n for n, line in devices.items() if line["state"] == "unreachable"} == {"d03", "d07", "d11", "d19"}
    assert devices["d05"]["error"]["code"] == 5 and "self-test crashed" in devices["d05"]["error"]["message"]
    assert all(devices[n]["error"]["code"] == 4 and devices[n]["error"]["hint"] for n in ("d03", "d07", "d11", "d19"))
    assert installed(fleet, "d05") == "" and "kws\tcurrent\t1" in installed(fleet, "d00")
    for name in ("d03", "d05", "d07", "d11"):
        fleet.mend(name)
    again = edgeq("deploy", "--resume", last["run"], "--json")
    devices, last = lines(again)
    assert again.code == 7 and sorted(devices) == ["d03", "d05", "d07", "d11", "d19"]
    assert last["states"] == {"done": 4, "unreachable": 1}
    fleet.mend("d19")
    assert edgeq("deploy", "--resume", last["run"]).code == 0
    assert all("kws\tcurrent\t1" in installed(fleet, name) for name in names)
    nothing = edgeq("deploy", "--resume", last["run"], "--json")
    assert nothing.code == 0 and lines(nothing)[0] == {}


def test_a_device_that_is_another_board_than_was_said_is_deployed_to_with_a_warning(fleet: Fleet, model: Path, edgeq: Edgeq) -> None:
    for name in ("a", "b"):
        fleet.add(name)
    fleet.toml.write_text(fleet.toml.read_text().replace("generic_x86_64", "raspberrypi_5", 1))
    warned = "a was said to be a raspberrypi_5, and says itself that it is generic_"
    for words in (("-b", "a"), ("--all",), ("--all", "--json")):
        done = edgeq("deploy", model, *words)
        assert done.code == 0 and warned in done.err and "edgeq devices probe a --save" in done.err and "b was said" not in done.err
    assert warned not in edgeq("deploy", model, "-b", "b").err
    probed = edgeq("devices", "probe", "a")
    assert "it says itself that it is generic_" in probed.out and "edgeq devices probe a --save" in probed.err
    assert edgeq("devices", "probe", "a", "--save").code == 0 and warned not in edgeq("deploy", model, "-b", "a").err


def test_the_same_file_again_is_not_changed(fleet: Fleet, model: Path, edgeq: Edgeq) -> None:
    for name in ("a", "b"):
        fleet.add(name)
    assert edgeq("deploy", model, "--board", "a,b").code == 0
    devices, _ = lines(edgeq("deploy", model, "--all", "--json"))
    assert [line["changed"] for line in devices.values()] == [False, False]


def test_no_byte_of_the_model_is_sent_where_the_plan_refuses_too_many(fleet: Fleet, model: Path, edgeq: Edgeq) -> None:
    for name in ("a", "b"):
        fleet.add(name)
    assert edgeq("deploy", model, "--all").code == 0
    (fleet.store("b") / "kws" / "state").write_bytes(b"damaged")
    model.write_bytes(packed(2))
    found = edgeq("deploy", model, "--all", "--max-failures", 0, "--json")
    devices, last = lines(found)
    assert found.code == 7 and last["states"] == {"done": 0, "failed": 1, "not tried": 1}
    assert devices["b"]["error"]["code"] == 3 and "edgeq remove kws" in devices["b"]["error"]["hint"]
    assert "current\t1" in installed(fleet, "a")
    assert edgeq("deploy", "--resume", last["run"]).code == 7 and "current\t2" in installed(fleet, "a")


def test_the_others_are_begun_only_where_the_canary_ends_well(fleet: Fleet, model: Path, edgeq: Edgeq, faulty_agent: Path) -> None:
    fleet.add("a", f"env EDGEQ_TEST_FAULT=crash {faulty_agent}")
    for name in ("b", "c"):
        fleet.add(name)
    devices, last = lines(edgeq("deploy", model, "--all", "--canary", 1, "--json"))
    assert last["states"] == {"done": 0, "failed": 1, "not tried": 2} and devices["b"]["state"] == "not tried"
    assert not installed(fleet, "b") and not installed(fleet, "c")


def test_after_too_many_failures_no_other_is_begun(fleet: Fleet, model: Path, edgeq: Edgeq, faulty_agent: Path) -> None:
    for name in ("a", "b"):
        fleet.add(name, f"env EDGEQ_TEST_FAULT=crash {faulty_agent}")
    for name in ("c", "d"):
        fleet.add(name)
    _, last = lines(edgeq("deploy", model, "--all", "--max-failures", 1, "-j", 1, "--json"))
    assert last["states"] == {"done": 0, "failed": 2, "not tried": 2} and not installed(fleet, "c")


def test_what_the_plan_refuses_counts_among_the_failures(fleet: Fleet, model: Path, edgeq: Edgeq, faulty_agent: Path) -> None:
    for name in ("a", "b"):
        fleet.add(name)
    assert edgeq("deploy", model, "--all").code == 0
    for name in ("a", "b"):
        (fleet.store(name) / "kws" / "state").write_bytes(b"damaged")
    fleet.add("c", f"env EDGEQ_TEST_FAULT=crash {faulty_agent}")
    fleet.add("d")
    devices, last = lines(edgeq("deploy", model, "--all", "--max-failures", 2, "-j", 1, "--json"))
    assert last["states"] == {"done": 0, "failed": 3, "not tried": 1} and devices["c"]["error"]["code"] == 5
    assert not installed(fleet, "d")


def test_people_get_a_line_for_each_device_and_how_to_go_on(fleet: Fleet, model: Path, edgeq: Edgeq) -> None:
    fleet.add("a")
    fleet.add("b", "/nowhere/agent")
    found = edgeq("deploy", model, "--all")
    assert found.code == 7
    assert "kws version 1 runs on a" in found.out and "b: unreachable: " in found.out and "1 done, 1 unreachable of 2 devices" in found.out
    assert "1 of 2 devices can take it" in found.err and "edgeq deploy --resume 2" in found.err and "hint:  b: " in found.err


def test_a_version_that_is_another_file_elsewhere_is_not_rolled_back_to(fleet: Fleet, model: Path, edgeq: Edgeq) -> None:
    for name, seeds in {"a": (1, 2, 3), "b": (1, 2, 3), "c": (2, 1, 3), "d": ()}.items():
        fleet.add(name)
        for seed in seeds:
            model.write_bytes(packed(seed))
            assert edgeq("deploy", model, "-b", name, "--keep", 3).code == 0
    fleet.add("e", "/nowhere/agent")
    sha256 = {seed: hashlib.sha256(packed(seed)).hexdigest()[:16] for seed in (1, 2)}
    refused = edgeq("rollback", "kws@1", "--all", "--json")
    assert refused.code == 3 and "nothing was changed" in refused.json["error"]["hint"]
    assert f"{sha256[1]}.. on a, b; {sha256[2]}.. on c" in refused.json["error"]["message"]
    assert all("current\t3" in installed(fleet, name) for name in ("a", "b", "c"))
    found = edgeq("rollback", "kws@1", "-b", "a,b,d,e", "--json")
    states = {line["board"]: line.get("state", line.get("version")) for line in map(json.loads, found.out.splitlines())}
    assert found.code == 7 and states == {"a": 1, "b": 1, "d": "failed", "e": "unreachable"}


def test_a_device_whose_version_is_not_the_expected_file_stays_as_it_is(fleet: Fleet, model: Path, edgeq: Edgeq) -> None:
    """One that could not be asked before, and can be now."""
    fleet.add("a")
    for seed in (1, 2):
        model.write_bytes(packed(seed))
        edgeq("deploy", model, "--all")
    (target,) = targets.resolve(["a"])
    with pytest.raises(ModelError, match="as on the other devices"):
        rollback(target, "kws@1", sha256="0" * 64)
    assert "current\t2" in installed(fleet, "a")
    assert rollback(target, "kws@1", sha256=hashlib.sha256(packed(1)).hexdigest()).version == 1


def test_other_commands_work_on_several_too(fleet: Fleet, model: Path, edgeq: Edgeq) -> None:
    fleet.add("a", tags=("x",))
    fleet.add("b", tags=("x",))
    planned = [json.loads(line) for line in edgeq("plan", model, "--tag", "x", "--json").out.splitlines()]
    assert sorted(p["board"] for p in planned) == ["a", "b"] and all(p["schema"] == "edgeq.plan/1" for p in planned)
    assert not fleet.store("a").exists()
    edgeq("deploy", model, "--all")
    model.write_bytes(packed(2))
    edgeq("deploy", model, "--all")
    assert edgeq("rollback", "kws", "-b", "a", "-b", "b").code == 0
    found = [json.loads(line) for line in edgeq("status", "--all", "--json").out.splitlines()]
    assert [s["models"][0]["current"]["version"] for s in found] == [1, 1]
    assert edgeq("remove", "kws", "--all").code == 0
    missing = edgeq("remove", "kws", "--all")
    assert missing.code == 7 and "a: failed: " in missing.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("json_option", [(), ("--json",)])
def test_a_signal_ends_every_session_at_once_and_says_how_to_go_on(
    fleet: Fleet, model: Path, edgeq: Edgeq, number: int, json_option: tuple[str, ...]
) -> None:
    for name in ("a", "b", "c"):
        fleet.add(name, "sh -c 'touch $1; exec sleep 1000'")
    children = [sys.executable, "-c", START, "deploy", str(model), "--all", "-j", "2", *json_option]
    child = subprocess.Popen(children, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    assert child.stdout is not None and child.stdout.readline() == b"ready\n"
    wait_until(lambda: all(fleet.store(name).exists() for name in ("a", "b")), "two sessions run")
    sessions = descendants(child.pid)
    assert len(sessions) >= 2
    begun = time.monotonic()
    os.kill(child.pid, number)
    out, err = (part.decode() for part in child.communicate(timeout=30))
    (run,) = runs.folder().glob("*.json")
    go_on = f"no device is half changed; the devices that are left: edgeq deploy --resume {run.stem}"
    error = json.loads(out)["error"] if json_option else {}
    assert error == ({"code": 130, "message": "interrupted", "hint": go_on, "run": run.stem} if json_option else {})
    assert child.returncode == 130 and err.splitlines()[-1:] == ([] if json_option else [f"error: interrupted; {go_on}"]), err
    assert "Traceback" not in err and time.monotonic() - begun < 8
    wait_until(lambda: not programs().keys() & set(sessions), "the sessions are gone")
    for name in ("a", "b", "c"):
        fleet.store(name).unlink(missing_ok=True)
        fleet.mend(name)
    assert edgeq("deploy", "--resume", run.stem).code == 0


def test_the_risks_of_the_plan_are_told_of_each_device(fleet: Fleet, model: Path, edgeq: Edgeq) -> None:
    fleet.add("good")
    inventory.add(fleet.toml, [inventory.entry("other", f"pipe:{fleet.agent} --root {fleet.store('other')}", "raspberrypi_5", "", ())])
    found = edgeq("deploy", model, "--all", "--json")
    devices, _ = lines(found)
    assert [risk["what"] for risk in devices["good"]["risks"]] == []
    assert "board" in {risk["what"] for risk in devices["other"]["risks"]} and devices["other"]["state"] == "done"
    said = [line for line in found.err.splitlines() if line.startswith("risk: ")]
    assert len(said) == len(devices["other"]["risks"]) and all(line.startswith("risk:  other: ") for line in said)


def test_the_environment_names_no_part_of_all(fleet: Fleet, model: Path, edgeq: Edgeq, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        fleet.add(name)
    monkeypatch.setenv("EDGEQ_BOARD", "a")
    _, last = lines(edgeq("deploy", model, "--all", "--json"))
    assert last["devices"] == 2
    assert json.loads(edgeq("status", "--all", "-b", "b", "--json").out)["board"] == "b"


def test_a_result_that_cannot_be_printed_stops_no_device(fleet: Fleet, model: Path) -> None:
    for name in ("a", "b"):
        fleet.add(name)
    command = [sys.executable, "-m", "edgeq_host", "deploy", str(model), "--all", "-j", "1"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and "cannot be written" in done.stderr
    assert all("current\t1" in installed(fleet, name) for name in ("a", "b"))
