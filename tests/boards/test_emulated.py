"""Emulated boards: the same files and link as others, an agent of another machine, a store of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq_host import boards, programs
from edgeq_host.bench.board import measure
from edgeq_host.deploy import deploy, status
from edgeq_host.errors import BoardError, LinkError, UsageError
from edgeq_host.plan import plan
from edgeq_host.probe import probe
from edgeq_host.profile import profile
from edgeq_host.rates import save
from edgeq_host.remote import RemoteModel
from edgeq_host.targets import of_board
from tests.agent.conftest import packed, sample
from tests.ssh.conftest import device_folder

ISAS = {"sim:raspberrypi4": ("portable", "neon"), "sim:raspberrypi5": ("portable", "neon", "neon_dotprod")}


@pytest.mark.slow
@pytest.mark.parametrize("name", ISAS)
def test_an_emulated_pi_deploys_and_computes_what_this_machine_does(name: str, emulated: Path, tmp_path: Path) -> None:
    board = boards.resolve(name)
    target, here = of_board(board), of_board(boards.resolve("local"))
    file = tmp_path / "net.eqm"
    file.write_bytes(packed(3))
    for place in (target, here):
        assert deploy(place, file).changed
    assert status(target).device.isa_names == ISAS[name] == board.chip.isas
    outputs = []
    for place in (target, here):
        with RemoteModel(place, "net") as model:
            outputs.append(np.asarray(model.run(sample())).tobytes())
    assert outputs[0] == outputs[1]
    assert profile(target, "net", runs=2, warmup=0).source == "emulated" and profile(here, "net", runs=2, warmup=0).source == "measured"


@pytest.mark.slow
def test_an_emulated_processor_says_what_it_has(emulated: Path) -> None:
    four, five = (probe(of_board(boards.resolve(name))) for name in ISAS)
    assert "asimddp" in five.hwcap and "asimd" in four.hwcap and "asimddp" not in four.hwcap
    assert five.machine == four.machine == "aarch64" and five.isas == ISAS["sim:raspberrypi5"]
    assert five.store is not None and five.store.path.endswith("store.sim_raspberrypi_5")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kernel"), [("sim:raspberrypi4", "gemm_s8_s8_s8__neon"), ("sim:raspberrypi5", "gemm_s8_s8_s8__neon_dotprod")]
)
def test_the_kernels_of_an_emulated_processor_are_measured_and_the_figures_are_labelled(
    name: str, kernel: str, emulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    target = of_board(boards.resolve(name))
    found = measure(target, rounds=1)
    assert found.isas == ISAS[name] and kernel in {f"{rate.kernel}__{rate.isa}" for rate in found.rates.rates}
    save(found.rates)
    file = tmp_path / "net.eqm"
    file.write_bytes(packed(3))
    estimate = plan(target, file).estimate
    assert estimate is not None and (estimate.source, estimate.rates_source) == ("modelled", "emulated")


def test_each_emulated_board_has_a_store_that_is_not_that_of_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEQ_STORE", str(tmp_path / "s"))
    monkeypatch.setattr(programs.agents, "find", lambda machine: type("File", (), {"path": Path("/bin/sh")}))
    monkeypatch.setattr(programs.shutil, "which", lambda name: f"/usr/bin/{name}" if name.endswith("static") else None)
    for name in ("sim_raspberrypi_4", "sim_raspberrypi_5"):
        words = programs.words(boards.resolve(name).link.partition(":")[2])
        assert words[0] == "/usr/bin/qemu-aarch64-static" and words[-2:] == ["--root", f"{tmp_path}/s.{name}"]
    monkeypatch.delenv("EDGEQ_STORE")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert programs.store("x") == tmp_path / "edgeq" / "x"


def test_an_emulator_that_is_not_installed_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LinkError, match="qemu-aarch64 or qemu-aarch64-static: not found") as info:
        programs.words("{qemu:aarch64} x")
    assert "apt-get install qemu-user" in info.value.hint


def test_an_agent_that_may_not_be_executed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = device_folder(tmp_path / "devices", "aarch64", Path("/bin/sh"))
    monkeypatch.setattr(programs.agents, "FOLDER", folder)
    with pytest.raises(UsageError, match="may not be executed") as info:
        programs.words("{agent:aarch64}")
    assert info.value.hint.startswith("chmod +x /")


@pytest.mark.parametrize("command", ["{agent:riscv64}", "{store}", "{home}", "{qemu}", "'open", ""])
def test_a_command_that_cannot_be_made_is_an_error(command: str) -> None:
    with pytest.raises((UsageError, BoardError)) as info:
        programs.words(command)
    assert info.value.hint
