"""Deploy, run, profile, rollback on the board `local`: host, link, agent and store as they ship."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgeq_runtime
from edgeq_host import deploy as d
from edgeq_host import device as devices
from edgeq_host.errors import BoardError, DeviceTimeoutError, EdgeqError, LinkError, ModelError, RollbackError, RolledBackError, UsageError
from edgeq_host.export import Bundle, Variant, to_bytes
from edgeq_host.graph import Edge, Graph, Node, Quant, Tensor
from edgeq_host.profile import profile
from edgeq_host.remote import RemoteModel
from edgeq_host.transports import pipe
from edgeq_runtime import native
from tests.agent.conftest import Local, packed, sample

OLD, NEW = packed(1), packed(2)


def test_deploy_installs_and_says_what_it_did(local: Local) -> None:
    seen: list[tuple[int, int]] = []
    done = d.deploy(local.board, local.file("kws", OLD), progress=lambda sent, of: seen.append((sent, of)))
    assert asdict(done) == {
        "name": "kws",
        "version": 1,
        "sha256": hashlib.sha256(OLD).hexdigest(),
        "board": "local",
        "selftest": "passed",
        "changed": True,
        "bytes": len(OLD),
    }
    assert seen[-1] == (len(OLD), len(OLD))
    assert (local.store / "kws/v1.eqm").read_bytes() == OLD


def test_the_same_file_again_changes_nothing(local: Local) -> None:
    path = local.file("kws", OLD)
    d.deploy(local.board, path)
    again = d.deploy(local.board, path)
    assert not again.changed and again.version == 1


def test_status_lists_models_side_by_side_with_their_previous_version(local: Local) -> None:
    for name, data in (("kws", OLD), ("vww", NEW), ("kws", NEW)):
        d.deploy(local.board, local.file(name, data))
    found = d.status(local.board)
    assert [(m.name, m.current and m.current.version, m.previous and m.previous.version) for m in found.models] == [
        ("kws", 2, 1),
        ("vww", 1, None),
    ]
    assert found.device.isas & 1 and "portable" in found.device.isa_names and found.device.memory_bytes > 0
    assert any(name.endswith("__portable") for name in found.device.kernels)
    assert [m.name for m in d.status(local.board, "vww").models] == ["vww"]
    with pytest.raises(EdgeqError, match="no model 'x'"):
        d.status(local.board, "x")


def test_rollback_and_rollback_again(local: Local) -> None:
    for data in (OLD, NEW):
        d.deploy(local.board, local.file("kws", data))
    back = d.rollback(local.board, "kws")
    assert (back.version, back.sha256) == (1, hashlib.sha256(OLD).hexdigest()) and back.replaced is not None and back.replaced.version == 2
    assert d.rollback(local.board, "kws").version == 2


def test_rollback_without_a_previous_version_is_a_usage_error(local: Local) -> None:
    with pytest.raises(UsageError, match="no such model"):
        d.rollback(local.board, "kws")
    d.deploy(local.board, local.file("kws", OLD))
    with pytest.raises(UsageError, match="no previous version"):
        d.rollback(local.board, "kws")


def test_rollback_to_a_damaged_version_fails_and_changes_nothing(local: Local) -> None:
    for data in (OLD, NEW):
        d.deploy(local.board, local.file("kws", data))
    (local.store / "kws/v1.eqm").write_bytes(OLD[:-1] + b"?")
    with pytest.raises(RollbackError, match="damaged"):
        d.rollback(local.board, "kws")
    assert edgeq_runtime.open("kws").refresh() is False


def test_remove_takes_the_model_away(local: Local) -> None:
    d.deploy(local.board, local.file("kws", OLD))
    d.remove(local.board, "kws")
    assert d.status(local.board).models == () and not (local.store / "kws").exists()
    with pytest.raises(UsageError, match="no such model"):
        d.remove(local.board, "kws")


def test_a_model_that_fails_its_selftest_is_rolled_back(local: Local) -> None:
    d.deploy(local.board, local.file("kws", OLD))
    with pytest.raises(RolledBackError, match=r"other outputs .*sample 0"):
        d.deploy(local.board, local.file("kws", packed(2, break_output=True)))
    assert sorted(os.listdir(local.store / "kws")) == ["state", "v1.eqm"]


@pytest.mark.parametrize(("fault", "text"), [("crash", "crashed .signal 6"), ("hang", "did not end")])
def test_a_selftest_that_crashes_or_hangs_is_rolled_back(
    local: Local, faulty_agent: Path, fault: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    d.deploy(local.board, local.file("kws", OLD))
    monkeypatch.setenv("EDGEQ_AGENT", str(faulty_agent))
    monkeypatch.setenv("EDGEQ_TEST_FAULT", fault)
    with pytest.raises(RolledBackError, match=text):
        d.deploy(local.board, local.file("kws", NEW), selftest_s=1.5)
    assert [m.current and m.current.version for m in d.status(local.board).models] == [1]


def test_the_agent_lives_on_while_a_long_selftest_runs(local: Local, faulty_agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs of life keep a host that waits less than the self-test takes."""
    monkeypatch.setenv("EDGEQ_AGENT", str(faulty_agent))
    monkeypatch.setenv("EDGEQ_TEST_FAULT", "hang")
    with pytest.raises(RolledBackError, match="did not end"):
        d.deploy(local.board, local.file("kws", NEW), selftest_s=4, quiet_s=2)


@pytest.mark.parametrize("at", range(0, len(OLD), 97))
def test_a_file_with_a_flipped_byte_is_refused_before_anything_is_sent(local: Local, at: int) -> None:
    changed = bytearray(OLD)
    changed[at] ^= 0x10
    with pytest.raises(ModelError):
        d.deploy(local.board, local.file("kws", bytes(changed)))
    assert not local.store.exists()


@pytest.mark.parametrize("data", [b"", b"not a model" * 50, OLD[:-200], OLD + b"more"])
def test_what_is_no_sound_file_is_refused_by_host_and_device(local: Local, data: bytes) -> None:
    with pytest.raises(ModelError):
        d.deploy(local.board, local.file("kws", data))
    done = local.agent("install", str(local.file("kws", data)))
    assert done.returncode == 3 and done.stderr.startswith("edgeq-agent: ")
    assert local.agent("status").stdout == ""


def test_a_file_for_a_newer_runtime_is_refused(local: Local) -> None:
    head = bytearray(OLD[-160:-4])
    head[8:12] = (2 << 16).to_bytes(4, "little")
    newer = OLD[:-160] + bytes(head) + native.crc32c(bytes(head)).to_bytes(4, "little")
    with pytest.raises(ModelError, match="newer"):
        d.deploy(local.board, local.file("kws", newer))
    assert local.agent("install", str(local.file("kws", newer))).returncode == 3


def test_a_name_that_is_no_name_is_a_usage_error(local: Local) -> None:
    with pytest.raises(UsageError, match="1 to 63 letters"):
        d.deploy(local.board, local.file("kws", OLD), name="../x")


def test_a_busy_store_is_refused(local: Local) -> None:
    path = local.file("kws", OLD)
    with d.connect(local.board) as other:
        other.link.call("put", "ready", target=devices.STORE, size=100, sha256=bytes(32), name="kws")
        with pytest.raises(BoardError, match="another program"):
            d.deploy(local.board, path)
    assert d.deploy(local.board, path).version == 1


def test_a_full_store_is_an_error_with_nothing_changed(local: Local, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    d.deploy(local.board, local.file("kws", OLD))
    limited = tmp_path / "limited"
    limited.write_text(f"#!/bin/sh\nulimit -f 1\nexec {os.environ['EDGEQ_AGENT']}\n")  # 512 or 1024 bytes
    limited.chmod(0o755)
    monkeypatch.setenv("EDGEQ_AGENT", str(limited))
    with pytest.raises(BoardError, match="store is full"):
        d.deploy(local.board, local.file("kws", NEW))
    assert [m.current and m.current.version for m in d.status(local.board).models] == [1]


def test_an_agent_that_cannot_be_started_is_unreachable(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEQ_AGENT", "/nowhere/agent")
    with pytest.raises(LinkError, match="cannot start /nowhere/agent"):
        d.status(local.board)
    monkeypatch.setenv("EDGEQ_AGENT", "/bin/false")
    with pytest.raises(LinkError, match="ended with code 1"):
        d.status(local.board)
    monkeypatch.setenv("EDGEQ_AGENT", "/bin/sleep")
    with pytest.raises(LinkError):
        d.status(local.board)


def test_an_agent_that_says_nothing_is_unreachable(local: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexec sleep 20\n")
    silent.chmod(0o755)
    monkeypatch.setenv("EDGEQ_AGENT", str(silent))
    with pytest.raises(LinkError, match="no answer"):
        d.status(local.board, quiet_s=0.5)


class _Killing(pipe.PipeTransport):
    """Kills the agent after a number of writes to it, each one frame."""

    left = 0
    used = 0

    def write(self, data: bytes) -> None:
        if type(self).left == 0:
            os.kill(self.pid, signal.SIGKILL)
        type(self).left -= 1
        type(self).used += 1
        super().write(data)


def _deploy_with_kill(local: Local, path: Path, after: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    _Killing.left, _Killing.used = after, 0
    with monkeypatch.context() as patch:
        patch.setattr(pipe, "PipeTransport", _Killing)
        try:
            return d.deploy(local.board, path, quiet_s=5)
        except (LinkError, DeviceTimeoutError) as error:
            return error


def test_an_agent_killed_at_any_frame_leaves_old_or_new_and_a_retry_completes(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    big = packed(3, size=1500)  # many frames of data
    new = local.file("kws", big)
    d.deploy(local.board, local.file("other", OLD))
    _deploy_with_kill(local, new, -1, monkeypatch)
    frames = _Killing.used
    assert frames > 8
    for after in range(frames):
        d.remove(local.board, "kws")
        d.deploy(local.board, local.file("old", OLD), name="kws")
        _deploy_with_kill(local, new, after, monkeypatch)
        found = (edgeq_runtime.open("kws").sha256, native.Model(OLD).sha256, native.Model(big).sha256)
        assert found[0] in found[1:], after
        assert d.deploy(local.board, new).version == 2, after
        assert edgeq_runtime.open("kws").sha256 == found[2]
        assert sorted(os.listdir(local.store / "kws")) == ["state", "v1.eqm", "v2.eqm"]


def test_an_interrupted_upload_resumes(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    big = packed(3, size=100_000)
    path = local.file("kws", big)
    _deploy_with_kill(local, path, 150, monkeypatch)
    parts = list((local.store / "kws").glob("part-*"))
    assert len(parts) == 1 and 0 < (kept := parts[0].stat().st_size) < len(big)
    seen: list[int] = []
    d.deploy(local.board, path, progress=lambda sent, of: seen.append(sent))
    assert seen[0] > kept and edgeq_runtime.open("kws").sha256 == native.Model(big).sha256


@pytest.mark.parametrize("delay_ms", [0, 20, 60, 100, 150, 250])
def test_ctrl_c_leaves_old_or_new(local: Local, delay_ms: int) -> None:
    d.deploy(local.board, local.file("kws", OLD))
    big = packed(3, size=100_000)
    path = local.file("new", big)
    code = f"""
import signal, sys
from pathlib import Path
from edgeq_host import boards, deploy
board = boards.resolve("local")
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
    assert d.deploy(local.board, path, "kws").version == 2


def test_run_on_the_device_gives_the_integers_of_the_host(local: Local) -> None:
    d.deploy(local.board, local.file("kws", OLD))
    here = native.Model(OLD)
    with RemoteModel(local.board, "kws") as there:
        assert [(e.name, e.shape, e.dtype) for e in there.inputs] == [("input", (1, 64), "f32")]
        for scale in (0.5, 1.0, 2.0):
            x = sample() * np.float32(scale)
            assert np.array_equal(there.run(x), here.run(x))
            assert there.time_ns > 0
        quantized = np.arange(64, dtype=np.int8).reshape(1, 64)
        assert np.array_equal(there.run(quantized), here.run(quantized))
        for wrong in (np.zeros((1, 63), np.float32), np.zeros((1, 64), np.int16)):
            with pytest.raises(ModelError, match="expected"):
                there.run(wrong)


def test_a_file_in_memory_runs_without_touching_the_store(local: Local) -> None:
    with RemoteModel(local.board, "file", OLD) as there:
        assert np.array_equal(there.run(sample()), native.Model(OLD).run(sample()))
        plan = native.Model(OLD).plan
        assert (there.opened.arena_bytes, there.opened.model_bytes, there.opened.macs) == (plan.arena_bytes, plan.model_bytes, plan.macs)
    assert not local.store.exists()


def test_an_older_version_can_be_run_by_its_number(local: Local) -> None:
    for data in (OLD, NEW):
        d.deploy(local.board, local.file("kws", data))
    with RemoteModel(local.board, "kws@1") as there:
        assert there.opened.version == 1 and np.array_equal(there.run(sample()), native.Model(OLD).run(sample()))
    with pytest.raises(UsageError, match="no such model or version"):
        RemoteModel(local.board, "kws@7")
    with pytest.raises(UsageError, match="no such variant"):
        RemoteModel(local.board, "kws", variant="int3")


def test_edgeq_isa_chooses_the_kernels_of_the_agent(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEQ_ISA", "portable")
    with RemoteModel(local.board, "file", OLD) as there:
        assert {layer.isa for layer in there.layers()} == {"portable"} and there.opened.isas == 1
    monkeypatch.setenv("EDGEQ_ISA", "avx512")
    with pytest.raises(LinkError, match="EDGEQ_ISA names avx512"):
        d.status(local.board)


def test_profile_streams_figures_for_every_layer(local: Local) -> None:
    d.deploy(local.board, local.file("kws", OLD))
    seen: list[int] = []
    found = profile(local.board, "kws", runs=25, warmup=3, seen=lambda run, of: seen.append(run))
    assert (found.runs, found.warmup, found.version, found.source) == (25, 3, 1, "measured") and seen == list(range(1, 26))
    assert [(x.name, x.op, x.macs) for x in found.layers] == [("dense", "fully_connected_s8", 512), ("clip", "clip_s8", 0)]
    assert abs(sum(x.share for x in found.layers) - 1) < 1e-9
    latency = found.latency_us
    assert 0 < latency.median <= latency.p90 <= latency.p99
    with pytest.raises(UsageError, match="runs"):
        profile(local.board, "kws", runs=0)


def test_applications_take_a_new_version_when_they_refresh(local: Local) -> None:
    d.deploy(local.board, local.file("kws", OLD))
    model, following = edgeq_runtime.open("kws"), edgeq_runtime.open("kws", follow=True)
    old, new = native.Model(OLD).run(sample()), native.Model(NEW).run(sample())
    assert not model.refresh() and np.array_equal(model.run(sample()), old)
    d.deploy(local.board, local.file("kws", NEW))
    assert np.array_equal(model.run(sample()), old) and np.array_equal(following.run(sample()), new)
    d.deploy(local.board, local.file("kws", packed(4)))  # the file of the mapping is gone
    assert np.array_equal(model.run(sample()), old)
    d.rollback(local.board, "kws")
    assert model.refresh() and np.array_equal(model.run(sample()), new)
    with pytest.raises(edgeq_runtime.Error, match="edgeq-agent status"):
        edgeq_runtime.open("nothing")


def test_the_commands_of_the_agent_do_the_same_without_a_host(local: Local) -> None:
    old, new = local.file("kws", OLD), local.file("kws-2", NEW)
    assert local.agent("install", str(old)).stdout == "kws: version 1 installed\n"
    assert local.agent("install", str(old)).stdout == "kws: version 1 is this file already\n"
    assert local.agent("install", str(new), "kws").returncode == 0
    rows = [line.split("\t") for line in local.agent("status").stdout.splitlines()]
    assert rows == [
        ["kws", "current", "2", str(len(NEW)), hashlib.sha256(NEW).hexdigest()],
        ["kws", "previous", "1", str(len(OLD)), hashlib.sha256(OLD).hexdigest()],
    ]
    assert local.agent("selftest", "kws").stdout == "kws: version 2 passed, 1 variants\n"
    assert local.agent("rollback", "kws").stdout == "kws: version 1 is current\n"
    assert local.agent("remove", "kws").returncode == 0 and local.agent("status").stdout == ""
    assert local.agent("rollback", "kws").returncode == 2
    broken = local.agent("install", str(local.file("bad", packed(2, break_output=True))))
    assert broken.returncode == 5 and "self-test" in broken.stderr
    for words in (["nonsense"], ["install"], ["rollback"], ["status", "a", "b"]):
        assert local.agent(*words).returncode == 2
    assert local.agent("--help").stdout.startswith("usage: edgeq-agent")
    assert local.agent("install", "/nowhere.eqm").returncode == 3


def test_two_hosts_at_once_end_with_one_of_the_two(local: Local) -> None:
    paths = [local.file(f"n{i}", packed(10 + i)) for i in range(2)]
    errors: list[EdgeqError] = []

    def run(path: Path) -> None:
        for _ in range(10):
            try:
                d.deploy(local.board, path, "kws")
            except BoardError as error:
                errors.append(error)

    threads = [threading.Thread(target=run, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all("another program" in error.message for error in errors)
    assert edgeq_runtime.open("kws").sha256 in [native.Model(path.read_bytes()).sha256 for path in paths]


def dequantized_edges() -> bytes:
    """u8 at the edge, float inside (with the scale of the edge)."""
    quant = Quant(np.array([0.5]), np.array([-3], np.int64))
    tensors = {"x": Tensor("x", (1, 6), "f32", None, quant), "y": Tensor("y", (1, 6), "f32", None, quant)}
    node = Node("clip_f32", "clip", ("x",), ("y",), {"lo": -np.inf, "hi": 20.0})
    ends = [Edge(name, name, (1, 6), (0, 1), "u8") for name in ("x", "y")]
    return to_bytes(Bundle("edges", [Variant("float32", Graph("edges", tensors, [node], ends[:1], ends[1:]))]))


def test_integer_edges_around_float_tensors_run_and_profile_on_the_device(local: Local) -> None:
    data, x = dequantized_edges(), np.array([[0, 1, 100, 200, 254, 255]], np.uint8)
    with RemoteModel(local.board, "edges", data) as there:
        assert [(e.dtype, e.inner) for e in (*there.inputs, *there.outputs)] == [("u8", "f32")] * 2
        assert np.array_equal(there.run(x), native.Model(data).run(x))
        with pytest.raises(ModelError, match="expected u8"):
            there.run(x.astype(np.int8))
    assert profile(local.board, "edges", data, runs=3).runs == 3


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
    done = d.deploy(local.board, local.file("kws", OLD))
    assert done.changed and done.version == 1


def test_a_commit_that_did_not_happen_is_said(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    _lose(monkeypatch, "commit", happens=False)
    with pytest.raises(LinkError, match="the line is dead; the deploy did not happen"):
        d.deploy(local.board, local.file("kws", OLD))


@pytest.mark.parametrize("call", ["commit", "rollback"])
def test_a_device_that_cannot_be_asked_again_is_a_time_out(local: Local, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    for data in (OLD, NEW):
        d.deploy(local.board, local.file("kws", data))
    _lose(monkeypatch, call, happens=True, then="/nowhere/agent")
    with pytest.raises(DeviceTimeoutError, match="could not be asked") as info:
        d.deploy(local.board, local.file("x", packed(3)), "kws") if call == "commit" else d.rollback(local.board, "kws")
    assert info.value.code == 9


@pytest.mark.parametrize("happens", [True, False])
def test_a_rollback_whose_answer_is_lost_is_looked_up(local: Local, monkeypatch: pytest.MonkeyPatch, happens: bool) -> None:
    for data in (OLD, NEW):
        d.deploy(local.board, local.file("kws", data))
    _lose(monkeypatch, "rollback", happens)
    if happens:
        assert d.rollback(local.board, "kws").version == 1
    else:
        with pytest.raises(LinkError, match="did not happen"):
            d.rollback(local.board, "kws")
