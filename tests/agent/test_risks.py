"""Each thing that a plan can see coming is named, with a remedy, and with the exit code where deploy would end."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgeq_host import boards, risks
from edgeq_host import deploy as d
from edgeq_host.device import Facts, Opened
from edgeq_host.errors import BoardError, EdgeqError
from edgeq_host.installed import Installed, Version
from edgeq_host.layer import Layer
from edgeq_host.plan import plan
from edgeq_host.preflight import preflight
from edgeq_host.probe import Place, Probe, parse
from edgeq_host.risks import Case
from edgeq_host.signing import seal
from edgeq_host.trust import Refusal
from tests.agent.conftest import Local, packed

FACTS = Facts("", "aarch64", "", "", 0, 10**9, 5 * 10**8, 10**8, 1, ("portable",), ())
GOOD = Place("/s", 10**9, 10**8, "ext4", "rw nosuid nodev", True, 4096, 100, 0, "free")


def case(*facts: tuple[str, bytes], **fields: Any) -> Case:
    probe = parse([("kernel.machine", b"aarch64"), *facts], wall_s=1000.0)
    return replace(Case(FACTS, None, replace(probe, store=GOOD), 5000, "ab", None, 5000), **fields)


def store(**fields: Any) -> Probe:
    return replace(parse([]), store=replace(GOOD, **fields))


OPENED = Opened(1, "ab", "int8", 5000, 4 * 10**8, 0, 2 * 10**8, 0, 0, 0, 0, 1, (), ())
LAYERS = [Layer("softmax", "softmax_f32", "", "", "", 0)]
DAMAGED = Installed("kws", None, None, "the record is damaged")
PI = boards.resolve("raspberrypi_5")
CASES = {
    "disk": (case(send=2 * 10**8), 3),
    "store": (case(probe=store(type="proc", total_bytes=0, free_bytes=0)), 2),
    "busy": (case(probe=store(lock="held")), 3),
    "record": (case(model=DAMAGED), 3),
    "read-only": (case(probe=store(options="ro noexec", writable=False)), 3),
    "rights": (case(probe=store(options="rw", writable=False)), 3),
    "clock": (case(("clock.wall", b"2000")), 0),
    "throttled": (case(("pi.throttled", b"throttled=0x50005")), 0),
    "power mode": (case(("power.mode", b"1"), ("power.modes", b"0\tMAXN"), ("power.modes", b"1\t5W")), 0),
    "clock mode": (case(("cpu.cores", b"4\t0x41\t0xd08\t600000000\t1800000000\t600000000\tpowersave")), 0),
    "alarm": (case(("alarm", b"rpi_volt\tin0_lcrit_alarm\t1")), 0),
    "board": (case(board=PI), 0),
    "kind": (case(board=PI, device="kitchen"), 0),
    "memory": (case(opened=[OPENED]), 3),
    "float": (case(board=replace(PI, chip=replace(PI.chip, fpu=False)), layers=LAYERS), 0),
    "signature": (case(refused=Refusal("unsigned", "it is not signed", "edgeq sign signs it")), 6),
}


@pytest.mark.parametrize("what", CASES)
def test_each_risk_is_seen_with_its_remedy_and_code(what: str) -> None:
    found, code = CASES[what]
    seen = [risk for risk in risks.of(found) if risk.what == what]
    assert seen and all(risk.code == code and risk.text and risk.remedy for risk in seen)
    refused = risks.refusal(risks.of(found))
    assert (refused.code if refused else 0) == code


def test_every_check_has_a_case() -> None:
    assert [check for check in risks.CHECKS if not any(list(check(found)) for found, _ in CASES.values())] == []


def test_a_device_that_is_another_board_says_which_and_how_to_record_it() -> None:
    first = risks.of(case(board=PI, device="kitchen"))[0]
    assert first.text == f"kitchen was said to be a {PI.id}, and says itself that it is generic_arm64"
    assert "edgeq devices probe kitchen --save" in first.remedy
    fits = case(("board.compatible", PI.match[0].encode()), board=PI)
    for other in (fits, case(board=boards.resolve("generic_arm64")), case(board=boards.resolve("local"))):
        assert "kind" not in [risk.what for risk in risks.of(other)]


def test_a_device_without_anything_wrong_has_no_risk() -> None:
    assert risks.of(case()) == []
    fast = case(("power.mode", b"0"), ("power.modes", b"0\tMAXN"), ("pi.throttled", b"throttled=0x50000"), ("clock.wall", b"1010"))
    assert risks.of(fast) == []


def test_what_is_current_needs_neither_room_nor_rights() -> None:
    current = Installed("kws", Version(1, 5000, "ab"), None)
    assert risks.of(case(model=current, send=2 * 10**8, probe=store(options="ro", writable=False))) == []


def test_a_store_that_is_no_folder_is_refused(local: Local) -> None:
    file = local.file("kws", packed(1))
    local.store.write_text("a file in the place of the store")
    with pytest.raises(EdgeqError, match="no folder") as info:
        d.deploy(local.target, file)
    assert info.value.code == 2


def test_the_bytes_to_send_are_those_that_are_missing(local: Local) -> None:
    data = packed(1, 5000)
    file = local.file("kws", data)
    assert plan(local.target, file).send_bytes == len(data)
    with d.connect(local.target) as device:
        device.link.call("put", "ready", target=1, size=len(data), sha256=hashlib.sha256(data).digest(), name="kws")
        device.link.send("data", offset=0, bytes=data[:1000])
        device.facts()  # answered in order: by then the bytes were written
    found = plan(local.target, file)
    assert found.send_bytes == len(data) - 1000 and found.store.free_after < found.store.free
    d.deploy(local.target, file)
    after = plan(local.target, file)
    assert (after.send_bytes, after.changes, after.risks) == (0, (), ()) and after.installed is not None


def test_a_plan_writes_nothing_not_even_for_a_moment(local: Local, tmp_path: Path) -> None:
    d.deploy(local.target, local.file("kws", packed(1)))
    seen = {path: path.stat().st_mtime_ns for path in (local.store, *local.store.rglob("*"))}
    plan(local.target, local.file("kws", packed(2)))
    preflight(local.target, "kws", 100, "00" * 32, seal(packed(2)))
    assert {path: path.stat().st_mtime_ns for path in (local.store, *local.store.rglob("*"))} == seen


def test_preflight_ends_with_the_code_of_the_deploy(local: Local) -> None:
    d.deploy(local.target, local.file("kws", packed(1)))
    (local.store / "kws" / "state").write_bytes(b"damaged")
    with pytest.raises(BoardError, match="record") as info:
        preflight(local.target, "kws", 100, "00" * 32, seal(packed(2)))
    assert info.value.code == 3 and "edgeq remove kws" in info.value.hint


def test_a_store_where_none_can_be_made_is_no_full_disk(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """/proc has no room at all; the agent would answer that the store cannot be made."""
    monkeypatch.setenv("EDGEQ_STORE", "/proc/no-such-folder")
    file = local.file("kws", packed(1))
    found = plan(local.target, file)
    assert [(risk.what, risk.code) for risk in found.risks if risk.what in ("store", "disk")] == [("store", 2)]
    assert "type proc" in next(risk for risk in found.risks if risk.what == "store").text
    with pytest.raises(EdgeqError, match="cannot be made") as info:
        d.deploy(local.target, file)
    assert info.value.code == 2


def test_a_folder_that_cannot_be_made_is_code_2_and_one_that_cannot_be_written_3() -> None:
    for missing, code in ((2, 2), (0, 3)):
        found = risks.refusal(risks.of(case(probe=store(writable=False, missing=missing))))
        assert found is not None and (found.what, found.code) == ("rights", code)


def test_a_file_system_that_says_no_size_is_not_called_full() -> None:
    found = risks.of(case(probe=store(type="fuse.sshfs", total_bytes=0, free_bytes=0)))
    assert [(risk.what, risk.code) for risk in found] == [("disk", 0)]
