"""Deploys that are cut off, answered too late, or meet a damaged store: the old or the new state, and a retry completes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import edgeq_runtime
from edgeq_host import deploy as d
from edgeq_host import device as devices
from edgeq_host.errors import BoardError, DeviceTimeoutError, LinkError, UsageError
from edgeq_host.plan import plan
from edgeq_host.remote import RemoteModel
from edgeq_host.transports import pipe
from edgeq_runtime import native
from tests.agent.conftest import Local, packed

OLD, NEW = packed(1), packed(2)


class _Killing(pipe.PipeTransport):
    """Sends the agent a signal after a number of writes to it, each one frame."""

    reliable = False  # frames begin small: there are more of them
    brought = 0
    signal = signal.SIGKILL
    left = 0
    used = 0

    def write(self, data: bytes, timeout_s: float) -> None:
        if type(self).left == 0:
            os.kill(self.pid, type(self).signal)
        type(self).left -= 1
        type(self).used += 1
        super().write(data, timeout_s)


class _Stopping(_Killing):
    signal = signal.SIGSTOP


def _deploy_with_kill(local: Local, path: Path, after: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    _Killing.left, _Killing.used = after, 0
    with monkeypatch.context() as patch:
        patch.setattr(pipe, "PipeTransport", _Killing)
        try:
            return d.deploy(local.target, path, quiet_s=5)
        except (LinkError, DeviceTimeoutError) as error:
            return error


def test_an_agent_killed_at_any_frame_leaves_old_or_new_and_a_retry_completes(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    big = packed(3, size=1500)  # many frames of data
    new = local.file("kws", big)
    d.deploy(local.target, local.file("other", OLD))
    _deploy_with_kill(local, new, -1, monkeypatch)
    frames = _Killing.used
    assert frames > 8
    for after in range(frames):
        d.remove(local.target, "kws")
        d.deploy(local.target, local.file("old", OLD), name="kws")
        _deploy_with_kill(local, new, after, monkeypatch)
        found = (edgeq_runtime.open("kws").sha256, native.Model(OLD).sha256, native.Model(big).sha256)
        assert found[0] in found[1:], after
        assert d.deploy(local.target, new).version == 2, after
        assert edgeq_runtime.open("kws").sha256 == found[2]
        assert sorted(os.listdir(local.store / "kws")) == ["state", "v1.eqm", "v2.eqm"]


@pytest.mark.parametrize("where", [devices.STORE, devices.MEMORY])
def test_an_agent_that_stops_reading_during_an_upload_is_unreachable(local: Local, monkeypatch: pytest.MonkeyPatch, where: int) -> None:
    big = packed(3, size=100_000)
    monkeypatch.setattr(pipe, "PipeTransport", _Stopping)
    _Stopping.left = 20
    with pytest.raises(LinkError, match="silent for 1 s"), d.connect(local.target, quiet_s=1) as device:
        device.put("kws", big, where)


def test_an_interrupted_upload_resumes(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    big = packed(3, size=100_000)
    path = local.file("kws", big)
    _deploy_with_kill(local, path, 150, monkeypatch)
    parts = list((local.store / "kws").glob("part-*"))
    assert len(parts) == 1 and 0 < (kept := parts[0].stat().st_size) < len(big)
    assert [(m.name, m.current, m.damaged, m.unfinished) for m in d.status(local.target).models] == [("kws", None, "", kept)]
    assert local.agent("status").stdout == f"kws\tunfinished\t0\t{kept}\t\n"
    seen: list[int] = []
    d.deploy(local.target, path, progress=lambda sent, of: seen.append(sent))
    assert seen[0] > kept and edgeq_runtime.open("kws").sha256 == native.Model(big).sha256


def test_an_unfinished_upload_can_be_removed_and_ends_with_the_next_deploy_of_another_model(
    local: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = local.file("mk", packed(3, size=100_000))
    for end in (lambda: d.remove(local.target, "mk"), lambda: d.deploy(local.target, local.file("kws", OLD))):
        _deploy_with_kill(local, path, 150, monkeypatch)
        assert "mk" in [m.name for m in d.status(local.target).models]
        end()
        assert not (local.store / "mk").exists()
    with pytest.raises(UsageError, match="no such model"):
        d.remove(local.target, "mk")


def _damage_record(local: Local) -> None:
    path = local.store / "kws/state"
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


def test_a_damaged_record_names_the_command_that_helps(local: Local) -> None:
    path = local.file("kws", OLD)
    d.deploy(local.target, path)
    _damage_record(local)
    for call in (lambda: d.deploy(local.target, path), lambda: d.rollback(local.target, "kws"), lambda: RemoteModel(local.target, "kws")):
        with pytest.raises(BoardError, match="record of the model in the store is damaged") as info:
            call()
        assert "`edgeq remove kws -b local`, then deploy" in info.value.hint
    assert [m.damaged for m in d.status(local.target).models] == ["the record of the model in the store is damaged"]
    d.remove(local.target, "kws")
    assert d.deploy(local.target, path).version == 1


@pytest.mark.parametrize(("damage", "text"), [("missing", "its file is missing"), ("short", "its file has another size"), ("flipped", "")])
def test_a_damaged_version_is_seen_and_a_deploy_replaces_it(local: Local, damage: str, text: str) -> None:
    path, file = local.file("kws", OLD), local.store / "kws/v1.eqm"
    d.deploy(local.target, path)
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(OLD[:-1] if damage == "short" else OLD[:50] + bytes([OLD[50] ^ 1]) + OLD[51:])
    model = d.status(local.target).models[0]
    assert model.current is not None and model.current.damaged == text and model.damaged == (f"version 1: {text}" if text else "")
    assert local.agent("status").returncode == (3 if text else 0)
    with pytest.raises(BoardError, match="a file of the store is damaged") as info:
        RemoteModel(local.target, "kws")
    assert "deploy the model again" in info.value.hint
    if text:
        assert plan(local.target, path).changes
    assert d.deploy(local.target, path).version == 2
    assert edgeq_runtime.open("kws").sha256 == native.Model(OLD).sha256


@pytest.mark.parametrize("where", ["/proc/nope", "/dev/null", "file", "file/below"])
def test_a_store_that_cannot_exist_is_said(local: Local, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (local.folder / "file").write_bytes(b"")
    root = where if where.startswith("/") else str(local.folder / where)
    monkeypatch.setenv("EDGEQ_STORE", root)
    calls = [lambda: d.deploy(local.target, local.file("kws", OLD))]
    if where != "/proc/nope":  # it might come into being until a deploy says that it cannot
        calls += [lambda: d.status(local.target), lambda: RemoteModel(local.target, "kws")]
        assert local.agent("status").returncode == 2
    for call in calls:
        with pytest.raises(UsageError, match="the store is no folder or cannot be made") as info:
            call()
        assert "EDGEQ_STORE" in info.value.hint
    assert root in local.agent("--root", root, "install", str(local.file("kws", OLD))).stderr


def test_the_status_of_a_store_without_models_is_not_silent(local: Local) -> None:
    assert local.agent("--root", "/nope/x", "status").stderr == "edgeq-agent: no models in /nope/x, which does not exist\n"
    local.store.mkdir()
    assert local.agent("status").stderr == f"edgeq-agent: no models in {local.store}\n"


@pytest.mark.parametrize("delay_ms", [0, 20, 60, 100, 150, 250])
def test_ctrl_c_leaves_old_or_new(local: Local, delay_ms: int) -> None:
    d.deploy(local.target, local.file("kws", OLD))
    big = packed(3, size=100_000)
    path = local.file("new", big)
    code = f"""
import signal, sys
from pathlib import Path
from edgeq_host import boards, deploy, targets
board = targets.of_board(boards.resolve("local"))
try:
    print("ready", flush=True)
    deploy.deploy(board, Path({str(path)!r}), "kws")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it came too late
except KeyboardInterrupt:
    sys.exit(130)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    time.sleep(delay_ms / 1000)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) in (0, 130)
    assert edgeq_runtime.open("kws").sha256 in (native.Model(OLD).sha256, native.Model(big).sha256)
    assert d.deploy(local.target, path, "kws").version == 2


def _lose(monkeypatch: pytest.MonkeyPatch, call: str, happens: bool, then: str = "") -> None:
    """The link breaks at `call`, after or before the device has done it; `then` is the agent that can be started after that."""
    real = getattr(devices.Device, call)

    def lost(self: devices.Device, *arguments: Any) -> Any:
        if happens:
            real(self, *arguments)
        if then:
            monkeypatch.setenv("EDGEQ_AGENT", then)
        raise LinkError("the line is dead")

    monkeypatch.setattr(devices.Device, call, lost)


def test_a_commit_whose_answer_is_lost_is_looked_up(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    _lose(monkeypatch, "commit", happens=True)
    done = d.deploy(local.target, local.file("kws", OLD))
    assert done.changed and done.version == 1


def test_a_commit_that_did_not_happen_is_said(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    _lose(monkeypatch, "commit", happens=False)
    with pytest.raises(LinkError, match="the line is dead; the deploy did not happen"):
        d.deploy(local.target, local.file("kws", OLD))


@pytest.mark.parametrize("call", ["commit", "rollback"])
def test_a_device_that_cannot_be_asked_again_is_a_time_out(local: Local, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    for data in (OLD, NEW):
        d.deploy(local.target, local.file("kws", data))
    _lose(monkeypatch, call, happens=True, then="/nowhere/agent")
    with pytest.raises(DeviceTimeoutError, match="could not be asked") as info:
        d.deploy(local.target, local.file("x", packed(3)), "kws") if call == "commit" else d.rollback(local.target, "kws")
    assert info.value.code == 9


@pytest.mark.parametrize("happens", [True, False])
def test_a_rollback_whose_answer_is_lost_is_looked_up(local: Local, monkeypatch: pytest.MonkeyPatch, happens: bool) -> None:
    for data in (OLD, NEW):
        d.deploy(local.target, local.file("kws", data))
    _lose(monkeypatch, "rollback", happens)
    if happens:
        assert d.rollback(local.target, "kws").version == 1
    else:
        with pytest.raises(LinkError, match="did not happen"):
            d.rollback(local.target, "kws")
