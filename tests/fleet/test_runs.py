"""The record of a run on several devices, and what `--resume` makes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeq_host import inventory
from edgeq_host.errors import ModelError
from edgeq_host.fleet import runs
from tests.agent.conftest import packed
from tests.cli.conftest import Edgeq
from tests.fleet.conftest import Fleet, installed, lines


def test_a_run_that_cannot_go_on_says_why(fleet: Fleet, model: Path, edgeq: Edgeq) -> None:
    fleet.add("a")
    fleet.add("b", "/nowhere/agent")
    _, last = lines(edgeq("deploy", model, "--all", "--json"))
    model.write_bytes(packed(2))
    other = edgeq("deploy", "--resume", last["run"])
    assert other.code == 2 and "is not the file of run" in other.err
    unknown = edgeq("deploy", "--resume", "20200101-000000-ffff")
    assert unknown.code == 2 and last["run"] in unknown.err
    assert edgeq("deploy", "--resume", "../../x").code == 2
    assert edgeq("deploy", model, "--resume", last["run"], "--name", "x").code == 2


WRONG: dict[str, tuple[object, ...]] = {
    "id": (3, "20200101-000000-ffff"),
    "file": (3, None, "a\0b", "\ud800"),
    "sha256": (3, "", "x", ["a"]),
    "name": (3, "", "../x", "a\0", "\ud800", "n" * 100_000),
    "timeout_s": ("60", None, True, 0, -1.0, float("nan"), float("inf"), 10**400),
    "states": (3, ["b"], {"b": 3}, {"b": None}, {"\ud800": "failed"}),
    "keep": ("2", 2.0, True, -1, 9, 10**30),
    "more": (1,),
}


def test_a_damaged_record_of_a_run_is_said_to_be_one(fleet: Fleet, model: Path, edgeq: Edgeq) -> None:
    fleet.add("a")
    fleet.add("b", "/nowhere/agent")
    _, last = lines(edgeq("deploy", model, "--all", "--json"))
    record = runs._path(last["run"])
    sound = json.loads(record.read_text())
    for text in ["", "{}", "[]", "\0", *(json.dumps(sound | {key: value}) for key, values in WRONG.items() for value in values)]:
        record.write_text(text)
        damaged = edgeq("deploy", "--resume", last["run"])
        assert damaged.code == 2 and "is damaged" in damaged.err, (text[:200], damaged)
    record.write_text(json.dumps(sound))
    assert edgeq("deploy", "--resume", last["run"]).code == 7


def test_a_run_goes_on_where_its_file_lies_elsewhere(fleet: Fleet, model: Path, edgeq: Edgeq) -> None:
    for name in ("a", "b"):
        fleet.add(name, "/nowhere/agent")
    _, last = lines(edgeq("deploy", model, "--all", "--json"))
    other = fleet.folder / "other.eqm"
    model.rename(other)
    gone = edgeq("deploy", "--resume", last["run"])
    assert gone.code == 2 and f"edgeq deploy FILE --resume {last['run']}" in gone.err
    fleet.mend("a")
    model.write_bytes(packed(2))
    assert edgeq("deploy", model, "--resume", last["run"]).code == 2 and not installed(fleet, "a")
    assert edgeq("deploy", other, "--resume", last["run"]).code == 7 and "kws\tcurrent\t1" in installed(fleet, "a")
    fleet.mend("b")
    assert edgeq("deploy", "--resume", last["run"]).code == 0 and "kws\tcurrent\t1" in installed(fleet, "b")


def test_a_device_that_is_gone_from_the_inventory_holds_up_no_other(fleet: Fleet, model: Path, edgeq: Edgeq) -> None:
    for name in ("a", "b"):
        fleet.add(name, "/nowhere/agent")
    _, last = lines(edgeq("deploy", model, "--all", "--json"))
    inventory.remove(fleet.toml, "a")
    fleet.mend("b")
    found = edgeq("deploy", "--resume", last["run"], "--max-failures", 0, "--json")
    devices, last = lines(found)
    assert found.code == 7 and last["states"] == {"done": 1, "unknown": 1} and "current\t1" in installed(fleet, "b")
    assert devices["a"]["error"]["code"] == 2 and "edgeq devices add a" in devices["a"]["error"]["hint"]
    for_people = edgeq("deploy", "--resume", last["run"])
    assert "a: unknown: it is no device of edgeq.toml any more" in for_people.out and "0 done, 1 unknown of 1 devices" in for_people.out
    fleet.add("a")
    assert edgeq("deploy", "--resume", last["run"]).code == 0 and "current\t1" in installed(fleet, "a")


def test_old_runs_are_forgotten(fleet: Fleet, model: Path, edgeq: Edgeq, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "KEPT", 2)
    fleet.add("a")
    fleet.add("b")
    for _ in range(4):
        edgeq("deploy", model, "--all")
    assert len(list(runs.folder().glob("*.json"))) == 2


def test_a_run_that_cannot_be_recorded_sends_nothing(fleet: Fleet, model: Path, edgeq: Edgeq, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.add("a")
    fleet.add("b")
    (fleet.folder / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(fleet.folder / "file"))
    refused = edgeq("deploy", model, "--all")
    assert refused.code == 2 and "XDG_STATE_HOME" in refused.err and not fleet.store("a").exists()


def test_a_resumed_run_keeps_as_many_versions_as_it_was_begun_with(fleet: Fleet, model: Path, edgeq: Edgeq) -> None:
    fleet.add("a")
    fleet.add("b", "/nowhere/agent")
    first = edgeq("deploy", model, "--all", "--keep", 5, "--json")
    fleet.mend("b")
    assert edgeq("deploy", "--resume", lines(first)[1]["run"]).code == 0
    for name in ("a", "b"):
        (found,) = edgeq("status", "-b", name, "--json").json["models"]
        assert (found["current"]["version"], found["keep"]) == (1, 5)


def test_a_record_that_cannot_be_written_any_more_stops_no_device(
    fleet: Fleet, model: Path, edgeq: Edgeq, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        fleet.add(name)
    write, written = runs.write_file, list[Path]()

    def once(path: Path, data: bytes) -> None:
        written.append(path)
        if len(written) > 1:
            raise ModelError("No space left on device", "free space")
        write(path, data)

    monkeypatch.setattr(runs, "write_file", once)
    found = edgeq("deploy", model, "--all")
    assert found.code == 0 and "2 done of 2 devices" in found.out
    assert "is not complete" in found.err and "No space left" in found.err and "current\t1" in installed(fleet, "b")
