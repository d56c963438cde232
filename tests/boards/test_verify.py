"""`edgeq boards verify`: everything on a device, what goes wrong there, and a report that does not say whose it is."""

from __future__ import annotations

import fcntl
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from edgeq_host import boards, silicon, verify, verify_report
from edgeq_host.deploy import deploy
from edgeq_host.device import Checked, Device
from edgeq_host.errors import BoardError, LinkError
from edgeq_host.installed import Version
from edgeq_host.probe import parse
from edgeq_host.remote import RemoteModel
from edgeq_host.targets import Target, of_board
from tests.agent.conftest import Local, built_agent, local, packed
from tests.cli.conftest import Edgeq, edgeq

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["built_agent", "edgeq", "local"]
WORKS = {
    "board": "passed",
    "kernels": "passed",
    "deploy": "passed",
    "same bytes": "passed",
    "cut in an upload": "passed",
    "resume": "passed",
}
WORKS |= {"cut in a switch": "passed", "rollback": "passed", "profile": "passed", "memory": "passed", "remove": "passed"}
VIRTUAL = "hypervisor" in Path("/proc/cpuinfo").read_text().split()
SILICON = "emulated" if VIRTUAL else "silicon"  # what this machine is evidence of


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels that are equal at once: their own tests are elsewhere."""
    monkeypatch.setattr(Device, "check_kernels", lambda self, limit_s: iter([Checked("gemm_s8_s8_s8__portable", True, 9, "")]))


def states(found: verify.Verification) -> dict[str, str]:
    return {check.name: check.state for check in found.checks}


def test_a_machine_that_works_passes_every_check_and_keeps_nothing(local: Local, quick: None) -> None:
    found = verify.verify(local.target)
    assert states(found) == WORKS and found.passed and found.source == "measured" and found.board == "local"
    assert [p.name for p in local.store.iterdir() if verify.NAME in p.name] == []


@pytest.mark.slow
def test_an_emulated_pi_passes_and_says_that_it_is_emulated(emulated: Path, tmp_path: Path) -> None:
    found = verify.verify(of_board(boards.resolve("sim:raspberrypi4")))
    assert states(found) == {**WORKS, "board": "not done", "memory": "not done"} and found.passed and found.source == "emulated"
    there = replace(of_board(boards.resolve("sim:raspberrypi5")), board=None, name="pi@somewhere")
    with RemoteModel(there, "model", packed(1, 64)) as model:
        assert model.source() == "emulated", "it says so itself, where nobody has said what it is"
    report = tomllib.loads(verify_report.text(found))
    assert report["evidence"]["kind"] == report["source"] == "emulated" and report["board"] == "sim_raspberrypi_4"
    assert "neon, which" not in str(report["differs"]) and "kernels equal" in report["checks"][1]["text"]


@pytest.mark.slow
def test_the_command_writes_a_report_and_its_result(edgeq: Edgeq, tmp_path: Path) -> None:
    done = edgeq("boards", "verify", "local", "-o", "r.toml", "--json")
    assert done.code == 0 and done.json["schema"] == "edgeq.boards-verify/1" and done.json["passed"]
    report = tomllib.loads(Path("r.toml").read_text())
    assert {check["name"] for check in report["checks"]} == set(WORKS) and report["evidence"]["kind"] == SILICON
    assert edgeq("status", "-b", "local", "--json").json["models"] == []


def test_a_device_that_is_not_the_board_it_is_said_to_be_is_no_evidence_for_it(edgeq: Edgeq, quick: None, local: Local) -> None:
    Path("edgeq.toml").write_text(f"[devices.b]\naddress = {json.dumps(local.target.address)}\nboard = 'raspberrypi_5'\n")
    done = edgeq("boards", "verify", "b", "-o", "r.toml")
    assert done.code == 5 and "differs: the device" in done.out and "raspberrypi_5: a check failed" in done.out
    assert "failed    board: " in done.out and "it says itself that it is generic_" in done.out
    report = tomllib.loads(Path("r.toml").read_text())
    assert not report["passed"] and "evidence" not in report and report["differs"]


ROWS: dict[str, tuple[list[tuple[str, bytes]], str, str]] = {
    "a Raspberry Pi 5": ([("cpu.features", b"fp asimd asimddp"), ("board.compatible", b"raspberrypi,5-model-b")], "silicon", "measured"),
    "a PC": ([("kernel.machine", b"x86_64"), ("cpu.features", b"fpu sse2")], "silicon", "measured"),
    "32 bits on a 64-bit kernel": ([("userland.bits", b"32"), ("cpu.features", b"fp asimd")], "silicon", "measured"),
    "qemu-user": ([("cpu.features", b"fpu sse2 aes"), ("cpu.name", b"AMD EPYC")], "emulated", "emulated"),
    "qemu-user for 32 bits": ([("kernel.machine", b"armv7l"), ("cpu.features", b"fpu sse2")], "emulated", "emulated"),
    "the machine virt": ([("board.compatible", b"linux,dummy-virt"), ("cpu.features", b"fp asimd")], "emulated", "emulated"),
    "a PC of QEMU": ([("kernel.machine", b"x86_64"), ("cpu.name", b"QEMU Virtual CPU version 2.5+")], "emulated", "emulated"),
    "a virtual machine": ([("kernel.machine", b"x86_64"), ("cpu.features", b"fpu sse2 hypervisor")], "emulated", "measured"),
}


@pytest.mark.parametrize("what", ROWS)
def test_what_can_be_told_to_be_no_silicon_is_no_evidence_of_silicon(what: str) -> None:
    rows, kind, figures = ROWS[what]
    found = parse([*rows, ("kernel.machine", b"aarch64")])
    assert ("emulated" if silicon.emulator(found) else "measured") == figures
    verified = verify.Verification(Target("x", "ssh:x"), figures, "", found, (), (), silicon.doubt(found))
    report = verify_report.table(verified)
    assert report["evidence"]["kind"] == kind and ("doubt" in report) == (kind == "emulated")
    assert (silicon.doubt(found) in report["evidence"]["how"]) and bool(silicon.doubt(found)) == (kind == "emulated")


def test_a_check_that_fails_is_exit_code_5_and_the_report_is_no_evidence(
    edgeq: Edgeq, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(target: Target, name: str) -> None:
        raise BoardError("the disk of the device is gone", "look at it")

    monkeypatch.setattr(verify, "rollback", broken)
    done = edgeq("boards", "verify", "local", "-o", "r.toml")
    assert done.code == 5 and "failed    rollback: the disk of the device is gone" in done.out
    report = tomllib.loads(Path("r.toml").read_text())
    assert not report["passed"] and "evidence" not in report


def test_a_device_with_keys_is_tried_with_one_of_them_and_not_touched_without(edgeq: Edgeq, quick: None) -> None:
    for name in ("release", "other"):
        assert edgeq("key", "new", "-o", f"{name}.key").code == 0
    assert edgeq("key", "enroll", "release.pub", "-b", "local").code == 0
    for words, said in (((), "has keys"), (("--key", "other.key"), "is none of")):
        refused = edgeq("boards", "verify", "local", "-o", "r.toml", *words)
        assert refused.code == 6 and said in refused.err and "--key" in refused.err and refused.out == ""
        assert not Path("r.toml").exists() and edgeq("log", "-b", "local").out.count("edgeq-verify") == 0
    for _ in range(2):  # the device remembers the counter of the run before
        done = edgeq("boards", "verify", "local", "-o", "r.toml", "--key", "release.key")
        assert done.code == 0, done.out + done.err
    report = tomllib.loads(Path("r.toml").read_text())
    assert {check["name"]: check["state"] for check in report["checks"]} == WORKS
    assert edgeq("status", "-b", "local", "--json").json["models"] == []


def test_a_file_of_this_machine_is_named_without_its_folder(local: Local, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(target: Target, file: Path, name: str, **rest: object) -> None:
        raise BoardError(f"{file} on {target.name}: the store is full", "")

    monkeypatch.setattr(verify, "deploy", refused)
    found = {check.name: check.text for check in verify.verify(local.target).checks}
    assert found["deploy"] == "edgeq-verify.eqm on local: the store is full"


def test_a_kernel_that_differs_is_named(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Checked("add_s8_s8_s8__neon", True, 0, "gave other outputs"), Checked("add_s8_s8_s8__avx2", False, 0, "")]
    monkeypatch.setattr(Device, "check_kernels", lambda self, limit_s: iter(rows))
    monkeypatch.setattr(verify, "_STEPS", {"kernels": verify._kernels})
    assert [(c.state, c.text) for c in verify.verify(local.target).checks] == [("failed", "add_s8_s8_s8__neon: gave other outputs")]


def test_a_device_that_computes_something_else_fails_where_it_is_seen(local: Local, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify.Models, "expected", lambda self, which: b"other")
    found = states(verify.verify(local.target))
    assert {name for name, state in found.items() if state == "failed"} >= {"deploy", "same bytes", "rollback"}
    assert found["profile"] == found["remove"] == "passed"


def test_a_device_that_is_not_there_is_unreachable_and_writes_no_report(edgeq: Edgeq) -> None:
    gone = edgeq("boards", "verify", "pipe:/nowhere/agent", "-o", "r.toml")
    assert gone.code == 4 and not Path("r.toml").exists()


def test_a_switch_that_is_none_or_ends_in_neither_version_fails(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = {"deploy": verify._deploy, "cut in a switch": verify._cut_switch}  # model 1 is current already when the switch is tried
    monkeypatch.setattr(verify, "_STEPS", steps)
    (_, nothing) = verify.verify(local.target).checks
    assert nothing.state == "failed" and "no switch to cut" in nothing.text
    real, third = verify._settled, Version(9, 5, "f" * 64)
    monkeypatch.setattr(verify, "_settled", lambda target: replace(real(target), current=third))
    monkeypatch.setattr(verify, "_STEPS", {"first": verify._deploy, "second": verify._resume, "cut in a switch": verify._cut_switch})
    (*_, neither) = verify.verify(local.target).checks
    assert neither.state == "failed" and "neither version is current, but ffff" in neither.text


def test_what_was_cut_is_looked_at_once_the_store_is_let_go(local: Local) -> None:
    deploy(local.target, local.file(verify.NAME, packed(1)))
    with (local.store / ".lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        let_go = threading.Event()

        def free() -> None:
            let_go.set()
            fcntl.flock(lock, fcntl.LOCK_UN)

        timer = threading.Timer(0.5, free)
        timer.start()
        assert verify._settled(local.target).current is not None and let_go.is_set()
        timer.join()


def test_a_link_that_is_lost_in_the_middle_fails_what_comes_after_and_still_ends(
    local: Local, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, count = verify.connect, iter(range(1000))

    @contextmanager
    def breaking(target: Target, quiet_s: float = 10) -> Iterator[Device]:
        if next(count) >= 2:
            raise LinkError("the cable is out", "put it in")
        with real(target, quiet_s) as device:
            yield device

    monkeypatch.setattr(verify, "connect", breaking)
    found = verify.verify(local.target)
    assert states(found)["cut in an upload"] == "failed" and len(found.checks) == len(WORKS)


def private_report() -> str:
    """Of a device with everything that must not be told."""
    rows = [("user.name", b"annabel"), ("home.path", b"/home/annabel"), ("store.path", b"/home/annabel/.local/share/edgeq/local")]
    rows += [("agent.path", b"/home/annabel/.cache/edgeq"), ("board.model", b"Raspberry Pi 4 of annabel"), ("kernel.machine", b"aarch64")]
    rows += [("kernel.release", b"Linux 6.1.21-kitchenpi"), ("os.name", b"Debian 12 on 192.168.17.4 or fe80:0:0:0:1:2:3:4")]
    target = Target("kitchenpi", "ssh:annabel@kitchenpi.lan:2222", boards.resolve("raspberrypi_4b"))
    texts = [
        "kitchenpi: silent for 30 s",
        "ssh://annabel@kitchenpi.lan:2222 refused",
        "/home/annabel/.local/share/edgeq/local is full",
        "10.0.0.7",
    ]
    checks = tuple(verify.Check(f"check {i}", "failed", text) for i, text in enumerate(texts))
    return verify_report.text(verify.Verification(target, "measured", "raspberrypi_4b", parse(rows), ("kitchenpi differs",), checks))


def test_the_report_names_no_host_user_place_or_address() -> None:
    report = private_report()
    for private in ("annabel", "kitchenpi", "kitchenpi.lan", "2222", "192.168", "fe80", "10.0.0.7", "/home"):
        assert private not in report, private
    assert "Raspberry Pi 4 of ..." in report and "silent for 30 s" in report and "aarch64" in report


def test_common_words_stay_readable() -> None:
    found = verify.Verification(Target("local", "pipe:{agent}"), "measured", "local", replace(parse([]), user="root"), (), ())
    checks = (verify.Check("deploy", "passed", "the agent of root on local"),)
    assert json.dumps(verify_report.table(replace(found, checks=checks))["checks"][0]["text"]) == '"the agent of root on local"'
