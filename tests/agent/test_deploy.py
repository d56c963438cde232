"""Deploy, status, rollback and remove on the board `local`: host, link, agent and store as they ship."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

import edgeq_runtime
from edgeq_host import deploy as d
from edgeq_host import device as devices
from edgeq_host.errors import BoardError, LinkError, ModelError, RollbackError, RolledBackError, UsageError
from edgeq_host.plan import plan
from edgeq_host.profile import profile
from edgeq_host.remote import RemoteModel
from edgeq_runtime import native
from tests.agent.conftest import Local, packed, sample

OLD, NEW = packed(1), packed(2)


def test_deploy_installs_and_says_what_it_did(local: Local) -> None:
    seen: list[tuple[int, int]] = []
    done = d.deploy(local.target, local.file("kws", OLD), progress=lambda sent, of: seen.append((sent, of)))
    assert asdict(done) == {
        "name": "kws",
        "version": 1,
        "sha256": hashlib.sha256(OLD).hexdigest(),
        "board": "local",
        "selftest": "passed",
        "changed": True,
        "bytes": len(OLD),
        "keep": 0,
        "dropped": (),
    }
    assert seen[-1] == (len(OLD), len(OLD))
    assert (local.store / "kws/v1.eqm").read_bytes() == OLD


def test_the_same_file_again_changes_nothing(local: Local) -> None:
    path = local.file("kws", OLD)
    d.deploy(local.target, path)
    again = d.deploy(local.target, path)
    assert not again.changed and again.version == 1 and again.selftest == "not run"


def test_status_lists_models_side_by_side_with_their_previous_version(local: Local) -> None:
    for name, data in (("kws", OLD), ("vww", NEW), ("kws", NEW)):
        d.deploy(local.target, local.file(name, data))
    found = d.status(local.target)
    assert [(m.name, m.current and m.current.version, m.previous and m.previous.version) for m in found.models] == [
        ("kws", 2, 1),
        ("vww", 1, None),
    ]
    assert found.device.isas & 1 and "portable" in found.device.isa_names and found.device.memory_bytes > 0
    assert any(name.endswith("__portable") for name in found.device.kernels)
    assert [m.name for m in d.status(local.target, "vww").models] == ["vww"]
    with pytest.raises(UsageError, match="no model 'x'"):
        d.status(local.target, "x")


def test_rollback_and_rollback_again(local: Local) -> None:
    for data in (OLD, NEW):
        d.deploy(local.target, local.file("kws", data))
    back = d.rollback(local.target, "kws")
    assert (back.version, back.sha256) == (1, hashlib.sha256(OLD).hexdigest()) and back.replaced is not None and back.replaced.version == 2
    assert d.rollback(local.target, "kws").version == 2


def test_rollback_without_a_previous_version_is_a_usage_error(local: Local) -> None:
    with pytest.raises(UsageError, match="no such model"):
        d.rollback(local.target, "kws")
    d.deploy(local.target, local.file("kws", OLD))
    with pytest.raises(UsageError, match="no previous version"):
        d.rollback(local.target, "kws")


def test_rollback_to_a_damaged_version_fails_and_changes_nothing(local: Local) -> None:
    for data in (OLD, NEW):
        d.deploy(local.target, local.file("kws", data))
    (local.store / "kws/v1.eqm").write_bytes(OLD[:-1] + b"?")
    with pytest.raises(RollbackError, match="damaged"):
        d.rollback(local.target, "kws")
    assert edgeq_runtime.open("kws").refresh() is False


def test_remove_takes_the_model_away(local: Local) -> None:
    d.deploy(local.target, local.file("kws", OLD))
    d.remove(local.target, "kws")
    assert d.status(local.target).models == () and not (local.store / "kws").exists()
    with pytest.raises(UsageError, match="no such model"):
        d.remove(local.target, "kws")


def test_a_model_that_fails_its_selftest_is_rolled_back(local: Local) -> None:
    d.deploy(local.target, local.file("kws", OLD))
    with pytest.raises(RolledBackError, match=r"other outputs .*sample 0"):
        d.deploy(local.target, local.file("kws", packed(2, break_output=True)))
    assert sorted(os.listdir(local.store / "kws")) == ["state", "v1.eqm"]


@pytest.mark.parametrize(("fault", "text"), [("crash", "crashed .signal 6"), ("hang", "did not end")])
def test_a_selftest_that_crashes_or_hangs_is_rolled_back(
    local: Local, faulty_agent: Path, fault: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    d.deploy(local.target, local.file("kws", OLD))
    monkeypatch.setenv("EDGEQ_AGENT", str(faulty_agent))
    monkeypatch.setenv("EDGEQ_TEST_FAULT", fault)
    with pytest.raises(RolledBackError, match=text):
        d.deploy(local.target, local.file("kws", NEW), selftest_s=1.5)
    assert [m.current and m.current.version for m in d.status(local.target).models] == [1]


def test_the_agent_lives_on_while_a_long_selftest_runs(local: Local, faulty_agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs of life keep a host that waits less than the self-test takes."""
    monkeypatch.setenv("EDGEQ_AGENT", str(faulty_agent))
    monkeypatch.setenv("EDGEQ_TEST_FAULT", "hang")
    with pytest.raises(RolledBackError, match="did not end"):
        d.deploy(local.target, local.file("kws", NEW), selftest_s=4, quiet_s=2)


@pytest.mark.parametrize("fault", ["slow", "many"])
def test_the_agent_shows_that_it_lives_while_long_runs_go_on(
    local: Local, faulty_agent: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEQ_AGENT", str(faulty_agent))
    monkeypatch.setenv("EDGEQ_TEST_FAULT", fault)
    with RemoteModel(local.target, data=OLD, quiet_s=1.5) as model:
        assert np.array_equal(model.run(sample()), native.Model(OLD).run(sample()))
    assert profile(local.target, data=OLD, runs=1, warmup=45 if fault == "many" else 0, quiet_s=1.5).runs == 1


@pytest.mark.parametrize("at", range(0, len(OLD), 97))
def test_a_file_with_a_flipped_byte_is_refused_before_anything_is_sent(local: Local, at: int) -> None:
    changed = bytearray(OLD)
    changed[at] ^= 0x10
    with pytest.raises(ModelError):
        d.deploy(local.target, local.file("kws", bytes(changed)))
    assert not local.store.exists()


@pytest.mark.parametrize("data", [b"", b"not a model" * 50, OLD[:-200], OLD + b"more"])
def test_what_is_no_sound_file_is_refused_by_host_and_device(local: Local, data: bytes) -> None:
    with pytest.raises(ModelError):
        d.deploy(local.target, local.file("kws", data))
    done = local.agent("install", str(local.file("kws", data)))
    assert done.returncode == 3 and done.stderr.startswith("edgeq-agent: ")
    assert local.agent("status").stdout == ""


def test_a_file_for_a_newer_runtime_is_refused(local: Local) -> None:
    head = bytearray(OLD[-160:-4])
    head[8:12] = (2 << 16).to_bytes(4, "little")
    newer = OLD[:-160] + bytes(head) + native.crc32c(bytes(head)).to_bytes(4, "little")
    with pytest.raises(ModelError, match="newer"):
        d.deploy(local.target, local.file("kws", newer))
    assert local.agent("install", str(local.file("kws", newer))).returncode == 3


def test_a_name_that_is_no_name_is_a_usage_error(local: Local) -> None:
    path = local.file("my model ü", OLD)
    for name in ("../x", "", "a\0b", "a" * 64, "ü", None):
        for call in (d.deploy, plan):
            with pytest.raises(UsageError, match="1 to 63 letters") as info:
                call(local.target, path, name)
            assert "--name" in info.value.hint
    assert not local.store.exists()


def test_a_busy_store_is_refused(local: Local) -> None:
    path = local.file("kws", OLD)
    with d.connect(local.target) as other:
        other.link.call("put", "ready", target=devices.STORE, size=100, sha256=bytes(32), name="kws")
        with pytest.raises(BoardError, match="another program"):
            d.deploy(local.target, path)
    assert d.deploy(local.target, path).version == 1


def test_a_full_store_is_an_error_with_nothing_changed(local: Local, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    d.deploy(local.target, local.file("kws", OLD))
    limited = tmp_path / "limited"
    limited.write_text(f"#!/bin/sh\nulimit -f 1\nexec {os.environ['EDGEQ_AGENT']}\n")  # 512 or 1024 bytes
    limited.chmod(0o755)
    monkeypatch.setenv("EDGEQ_AGENT", str(limited))
    with pytest.raises(BoardError, match="store is full"):
        d.deploy(local.target, local.file("kws", NEW))
    with pytest.raises(BoardError, match="store is full"):
        d.deploy(local.target, local.file("vww", NEW))
    assert [m.current and m.current.version for m in d.status(local.target).models] == [1]
    assert sorted(os.listdir(local.store)) == [".lock", ".log", "kws"] and sorted(os.listdir(local.store / "kws")) == ["state", "v1.eqm"]


def test_an_agent_that_cannot_be_started_is_unreachable(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEQ_AGENT", "/nowhere/agent")
    with pytest.raises(LinkError, match="cannot start /nowhere/agent"):
        d.status(local.target)
    monkeypatch.setenv("EDGEQ_AGENT", "/bin/false")
    with pytest.raises(LinkError, match="ended with code 1"):
        d.status(local.target)
    monkeypatch.setenv("EDGEQ_AGENT", "/bin/sleep")
    with pytest.raises(LinkError):
        d.status(local.target)


def test_an_agent_that_says_nothing_is_unreachable(local: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexec sleep 20\n")
    silent.chmod(0o755)
    monkeypatch.setenv("EDGEQ_AGENT", str(silent))
    with pytest.raises(LinkError, match="no answer"):
        d.status(local.target, quiet_s=0.5)
