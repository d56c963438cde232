"""The examples for Mender, RAUC and a USB stick, called as those call them: the real agent, a store of its own, their words."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.agent.conftest import Local, packed

EXAMPLES = Path(__file__).parents[2] / "examples" / "on_device"
SCRIPTS = sorted(p for p in EXAMPLES.rglob("*") if p.is_file() and p.read_bytes().startswith(b"#!/bin/sh"))
OLD, NEW, OTHER, SICK = packed(1), packed(2), packed(3), packed(4, break_output=True)


@dataclass(frozen=True)
class Device:
    """The programs of a device on its PATH."""

    local: Local
    path: str

    def run(self, script: str, *words: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [EXAMPLES / script, *words]
        env = {"PATH": self.path, "EDGEQ_STORE": str(self.local.store), **environment}
        return subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, timeout=120)

    def installed(self) -> dict[str, list[int]]:
        """The versions of each model, the current one first."""
        rows = [line.split("\t") for line in self.local.agent("status").stdout.splitlines()]
        return {name: [int(row[2]) for row in rows if row[0] == name] for name in {row[0] for row in rows}}


@pytest.fixture
def device(local: Local) -> Device:
    folder = local.folder / "bin"
    folder.mkdir()
    (folder / "edgeq-agent").symlink_to(os.environ["EDGEQ_AGENT"])
    (folder / "edgeq-install-models").symlink_to(EXAMPLES / "edgeq-install-models")
    return Device(local, f"{folder}:/usr/bin:/bin")


def put(folder: Path, **packs: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in packs.items():
        (folder / f"{name}.eqm").write_bytes(data)
    return folder


class Mender:
    """What the client does with an artifact: the states, each a call with the state and the folder, which is the working directory."""

    def __init__(self, device: Device, folder: Path, **packs: bytes) -> None:
        self.device, self.folder = device, folder
        put(folder / "files", **packs)
        for name in ("header", "tmp"):
            (folder / name).mkdir()
        (folder / "version").write_text("3")

    def state(self, name: str) -> subprocess.CompletedProcess[str]:
        return self.device.run("mender/edgeq-model", name, str(self.folder), cwd=self.folder)

    def update(self, fails_in: str = "") -> str:
        """Which way it went; `fails_in`: the state after which something else on the device fails."""
        assert self.state("SupportsRollback").stdout == "Yes\n"
        for name in ("Download", "ArtifactInstall", "ArtifactCommit"):
            failed = self.state(name).returncode != 0 or name == fails_in
            if failed and name != "Download":
                assert self.state("ArtifactRollback").returncode == 0
            if failed:
                assert self.state("ArtifactFailure").returncode == 0
                break
        assert self.state("NeedsArtifactReboot").stdout == "No\n"
        assert self.state("Cleanup").returncode == 0
        return f"{name} failed" if failed else "done"


def test_mender_installs_every_pack_of_an_artifact(device: Device, tmp_path: Path) -> None:
    assert Mender(device, tmp_path / "one", kws=OLD, vww=OTHER).update() == "done"
    assert Mender(device, tmp_path / "two", kws=NEW).update() == "done"
    assert device.installed() == {"kws": [2, 1], "vww": [1]}


def test_a_failing_self_test_makes_menders_install_fail_and_the_old_versions_run(device: Device, tmp_path: Path) -> None:
    Mender(device, tmp_path / "one", kws=OLD).update()
    update = Mender(device, tmp_path / "two", aaa=OTHER, kws=NEW, zzz=SICK)
    assert update.state("ArtifactInstall").returncode == 5
    assert device.installed() == {"kws": [1, 2]}  # what had been installed before the sick one is put back, what is new is gone
    assert update.update() == "ArtifactInstall failed" and device.installed()["kws"][0] == 1


def test_mender_rolls_back_what_something_else_failed_after(device: Device, tmp_path: Path) -> None:
    Mender(device, tmp_path / "one", kws=OLD).update()
    assert Mender(device, tmp_path / "two", kws=NEW, vww=OTHER).update(fails_in="ArtifactCommit") == "ArtifactCommit failed"
    assert device.installed() == {"kws": [1, 2]}


def test_menders_commit_runs_the_self_test_once_more(device: Device, tmp_path: Path) -> None:
    Mender(device, tmp_path / "one", kws=OLD).update()
    update = Mender(device, tmp_path / "two", kws=NEW)
    assert update.state("ArtifactInstall").returncode == 0
    (device.local.store / "kws/v2.eqm").write_bytes(SICK)
    assert update.state("ArtifactCommit").returncode == 5
    assert update.state("ArtifactRollback").returncode == 0 and device.installed()["kws"][0] == 1


def test_menders_states_may_be_repeated_after_a_power_cut(device: Device, tmp_path: Path) -> None:
    Mender(device, tmp_path / "one", kws=OLD).update()
    update = Mender(device, tmp_path / "two", kws=NEW)
    assert update.state("ArtifactRollback").returncode == 0  # cut before anything was done
    for _ in range(2):
        assert update.state("ArtifactInstall").returncode == 0
    for _ in range(2):
        assert update.state("ArtifactRollback").returncode == 0 and device.installed() == {"kws": [1, 2]}


def test_mender_gets_silence_and_success_for_a_state_that_is_not_known(device: Device, tmp_path: Path) -> None:
    done = Mender(device, tmp_path / "one", kws=OLD).state("ProvidePayloadFileSizes")
    assert (done.returncode, done.stdout) == (0, "")


def rauc(device: Device, bundle: Path) -> subprocess.CompletedProcess[str]:
    """The handler of a mounted bundle, as RAUC calls it: no arguments, the bundle in the environment."""
    shutil.copy(EXAMPLES / "rauc/manifest.raucm", bundle)
    return device.run("rauc/install-models", RAUC_BUNDLE_MOUNT_POINT=str(bundle), RAUC_SYSTEM_CONFIG="/etc/rauc/system.conf")


def test_rauc_installs_the_packs_of_a_bundle(device: Device, tmp_path: Path) -> None:
    put(tmp_path / "bundle/models", kws=OLD, vww=OTHER)
    done = rauc(device, tmp_path / "bundle")
    assert done.returncode == 0 and done.stdout.splitlines()[0] == "<< image models started"
    assert done.stdout.splitlines()[-1] == "<< image models done" and device.installed() == {"kws": [1], "vww": [1]}


def test_a_failing_self_test_fails_raucs_install_and_the_old_versions_run(device: Device, tmp_path: Path) -> None:
    put(tmp_path / "first/models", kws=OLD)
    assert rauc(device, tmp_path / "first").returncode == 0
    put(tmp_path / "second/models", kws=NEW, vww=SICK)
    done = rauc(device, tmp_path / "second")
    assert done.returncode == 1 and "<< error the models were not installed (edgeq-agent: 5)" in done.stdout
    assert device.installed() == {"kws": [1, 2]}


def test_a_bundle_without_packs_fails(device: Device, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    assert rauc(device, tmp_path / "bundle").returncode == 1 and not device.local.store.exists()
    assert "RAUC sets it" in device.run("rauc/install-models").stderr


def stick(device: Device, folder: Path) -> subprocess.CompletedProcess[str]:
    return device.run("usb/edgeq-usb-install", str(folder), str(folder.parent / "state"))


def test_a_stick_installs_its_packs_once(device: Device, tmp_path: Path) -> None:
    folder = put(tmp_path / "stick", kws=OLD)
    assert stick(device, folder).returncode == 0 and device.installed() == {"kws": [1]}
    put(folder, kws=NEW)
    assert stick(device, folder).returncode == 0 and device.installed() == {"kws": [2, 1]}
    device.local.agent("rollback", "kws")
    again = stick(device, folder)  # it stays in, and the timer comes again: that does not undo the rollback
    assert (again.returncode, again.stdout) == (0, "") and device.installed() == {"kws": [1, 2]}


def test_a_sick_pack_on_a_stick_is_run_once_and_does_not_keep_the_others(device: Device, tmp_path: Path) -> None:
    folder = put(tmp_path / "stick", aaa=SICK, kws=OLD)
    assert [stick(device, folder).returncode for _ in range(3)] == [5, 5, 5]
    assert device.installed() == {"kws": [1]}
    events = [line.split("\t")[2:5] for line in device.local.agent("log").stdout.splitlines()]
    assert events == [["aaa", "0", "install failed"], ["kws", "1", "installed"]]


def test_a_stick_without_packs_is_nothing(device: Device, tmp_path: Path) -> None:
    (tmp_path / "stick").mkdir()
    assert stick(device, tmp_path / "stick").returncode == 0 and device.installed() == {}


@pytest.mark.parametrize("name", ["a\n5 kws", "a b", "ä", "$(touch x)", "*"])
def test_a_pack_with_a_name_that_is_none_is_refused_before_anything_is_done(device: Device, tmp_path: Path, name: str) -> None:
    put(tmp_path / "packs", kws=OLD, **{name: OTHER})
    done = device.run("edgeq-install-models", str(tmp_path / "packs"), str(tmp_path / "before"))
    assert done.returncode == 2 and device.installed() == {} and not (tmp_path / "before").exists()


def test_the_scripts_are_clean_to_shellcheck() -> None:
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed: apt-get install shellcheck")
    assert len(SCRIPTS) == 4 and all(os.access(script, os.X_OK) for script in SCRIPTS)
    done = subprocess.run(["shellcheck", *SCRIPTS], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_units_of_the_timer_are_sound_to_systemd(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    units = [p for p in (EXAMPLES / "usb").iterdir() if p.suffix in (".service", ".timer", ".mount")]
    for unit in units:
        text = unit.read_text().replace("/usr/local/bin/edgeq-usb-install", str(EXAMPLES / "usb/edgeq-usb-install"))
        (tmp_path / unit.name).write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", *(str(tmp_path / u.name) for u in units)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and len(units) == 3
