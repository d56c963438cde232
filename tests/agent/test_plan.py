"""A plan is exact and changes nothing."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from edgeq_host import boards
from edgeq_host import deploy as d
from edgeq_host.errors import EdgeqError
from edgeq_host.plan import plan
from edgeq_runtime import native
from tests.agent.conftest import Local, packed
from tests.cli.conftest import Edgeq
from tests.cli.conftest import edgeq as edgeq


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_plan_gives_the_exact_bytes_and_kernels_of_the_device(local: Local) -> None:
    data = packed(1)
    found, here = plan(local.target, local.file("kws", data)), native.Model(data)
    assert (found.bytes, found.arena_bytes, found.board, found.name) == (len(data), here.plan.arena_bytes, "local", "kws")
    assert [v.model_bytes for v in found.variants] == [here.plan.model_bytes]
    assert all(layer.cost is None for layer in found.layers if layer.isa != "portable")
    layers = [replace(layer, cost=None) for layer in found.layers]
    assert [tuple(asdict(x).values())[:-1] for x in layers] == [(o.name, o.op, o.kernel, o.isa, o.packing, o.macs) for o in here.ops()]
    assert found.estimate is None and found.estimate_note == "not measured: edgeq bench kernels --board local measures it"
    assert found.risks == ()


def test_a_plan_says_what_deploy_would_change_and_changes_nothing(local: Local) -> None:
    first, second, third = (local.file(f"n{i}", packed(i)) for i in range(3))
    assert plan(local.target, first, "kws").changes == (f"installs kws, {first.stat().st_size} bytes",)
    d.status(local.target)
    assert not local.store.exists()
    d.deploy(local.target, first, "kws")
    assert plan(local.target, first, "kws").changes == ()
    d.deploy(local.target, second, "kws")
    before = files(local.store)
    assert plan(local.target, third, "kws").changes[1:] == ("keeps version 2 for rollback", "removes version 1")
    assert files(local.store) == before


def test_a_plan_keeps_as_many_versions_as_deploy_is_told_to(local: Local, edgeq: Edgeq, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEQ_STORE", str(local.store))
    for i in (1, 2):
        d.deploy(local.target, local.file("kws", packed(i)))
    words = ("plan", local.file("kws", packed(3)), "-b", "local", "--json")
    kept = "keeps version 2 for rollback"
    assert edgeq(*words, "--keep", 3).json["changes"][1:] == [kept, "keeps version 1 for rollback"]
    assert edgeq(*words, "--keep", 1).json["changes"][1:] == ["removes version 2", "removes version 1"]
    monkeypatch.setenv("EDGEQ_KEEP", "3")
    planned, dry = edgeq(*words).json, edgeq("deploy", "--dry-run", *words[1:]).json
    assert planned["changes"] == dry["changes"] and len(planned["changes"]) == 3
    assert edgeq(*words, "--keep", 9).code == 2


@pytest.mark.parametrize("damage", ["missing", "short", "flipped"])
@pytest.mark.parametrize("which", [1, 2])
def test_a_plan_over_a_damaged_version_says_what_deploy_does(local: Local, damage: str, which: int) -> None:
    for i in (1, 2):
        d.deploy(local.target, local.file("kws", packed(i)))
    path = local.store / f"kws/v{which}.eqm"
    data = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(data[:-1] if damage == "short" else data[:50] + bytes([data[50] ^ 1]) + data[51:])
    found = plan(local.target, local.file("kws", packed(2 if which == 2 else 3)))
    assert found.installed is not None and (found.installed.current, found.installed.previous) == found.installed.versions
    said = found.changes
    kept = 3 - which
    text = {"missing": "its file is missing", "short": "its file has another size", "flipped": "its file is damaged"}[damage]
    assert sorted(said[1:]) == [f"keeps version {kept} for rollback", f"removes version {which}: {text}"]
    done = d.deploy(local.target, local.file("kws", packed(2 if which == 2 else 3)))
    model = d.status(local.target, "kws").models[0]
    assert done.version == 3 and model.previous is not None and model.previous.version == kept and not model.damaged


def test_a_plan_names_what_would_go_wrong(local: Local) -> None:
    board = boards.resolve("local")
    chip = replace(board.chip, isas=("portable",), fpu=False)
    found = plan(replace(local.target, board=replace(board, chip=chip, link="")), local.file("kws", packed(1)))
    assert [risk.what for risk in found.risks] == (["board"] if len(found.isas) > 1 else [])


def test_a_file_that_is_no_model_is_an_error_of_the_plan(local: Local) -> None:
    with pytest.raises(EdgeqError):
        plan(local.target, local.file("kws", b"nothing"))
