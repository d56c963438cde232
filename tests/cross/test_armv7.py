"""Emulated 32-bit Arm: kernels, the agent behind its link, and the output bytes of docs/output-hashes.md."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgeq_host import agents
from edgeq_host.deploy import deploy, status
from edgeq_host.export.container import pack
from edgeq_host.plan import plan
from edgeq_host.remote import RemoteModel
from edgeq_host.speeds import ARMV7
from edgeq_host.targets import Target
from edgeq_runtime import build, native
from tests.arm import selftests
from tests.networks import hashes
from tests.runtime.test_body import CHANGES, tables

pytestmark = pytest.mark.slow
FILES = Path(__file__).parents[1] / "data" / "fuzz_file"
DEPLOYED = [
    ("kws_ref_model.tflite", "int8"),
    ("pretrainedResnet_quant.tflite", "int8"),
    ("kws_ref_model_float32.tflite", "float32"),
    ("kws_ref_model_float32.tflite", "w8a16"),
]
CASES = [("TFC_1W1A.onnx", "int8"), *hashes.ordinary()]
NEON, WITHOUT = "cortex-a7", "cortex-a9,neon=off"  # the second has neither its divide nor VFPv4
OTHERS = ("cortex-a8", "cortex-a15", "max")


def emulator(cpu: str) -> str:
    found = shutil.which("qemu-arm")
    if found is None:
        pytest.skip("qemu-arm is not installed: run tools/install.sh")
    return f"{found} -cpu {cpu}"


def target(qemu: str, devices: Path, store: Path) -> Target:
    return Target("armv7", f"pipe:{qemu} {devices / 'armv7' / agents.AGENT} --root {store}")


@pytest.fixture(scope="module")
def qemu() -> str:
    return emulator(NEON)


@pytest.fixture
def device(devices: Path, qemu: str, tmp_path: Path) -> Target:
    return target(qemu, devices, tmp_path / "store")


@pytest.fixture
def without_neon(devices: Path, tmp_path: Path) -> Target:
    return target(emulator(WITHOUT), devices, tmp_path / "store")


ALL = selftests.kernels("portable", "neon_armv7")
EVERY = [pytest.param(cpu, ALL, id=f"{cpu}-all", marks=pytest.mark.exhaustive) for cpu in (NEON, *OTHERS)]
BARE = pytest.param(WITHOUT, selftests.kernels("portable"), id=WITHOUT, marks=pytest.mark.exhaustive)


@pytest.mark.parametrize(("cpu", "names"), [pytest.param(NEON, selftests.ordinary("neon_armv7"), id=NEON), *EVERY, BARE])
def test_every_kernel_passes_its_self_test(cpu: str, names: tuple[str, ...]) -> None:
    pytest.importorskip("ziglang")
    program = build.build("selftest", build.cross("selftest", "armv7"))
    done = subprocess.run([*emulator(cpu).split(), program, *names], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert tuple(re.findall(r"^ok +(\w+) ", done.stdout, re.M)) == names


def outputs(model: RemoteModel, assets: Path, network: str, data: bytes) -> str:
    """Their hash."""
    total = hashlib.sha256()
    for sample in hashes.inputs(assets, network, native.Model(data)):
        result = model.run(*sample)
        for y in result if isinstance(result, list) else [result]:
            total.update(np.ascontiguousarray(y).tobytes())
    return total.hexdigest()


@pytest.mark.parametrize(("network", "variant"), DEPLOYED)
def test_outputs_over_the_link_are_those_of_the_table(assets: Path, device: Target, tmp_path: Path, network: str, variant: str) -> None:
    data = hashes.pack_of(assets, network, variant)
    file = tmp_path / "net.eqm"
    file.write_bytes(data)
    assert deploy(device, file).changed and not deploy(device, file).changed
    with RemoteModel(device, "net") as model:
        assert outputs(model, assets, network, data) == hashes.table()[network, variant]


@pytest.mark.parametrize(("network", "variant"), hashes.marked(CASES))
def test_outputs_of_a_file_in_memory_are_those_of_the_table(assets: Path, device: Target, network: str, variant: str) -> None:
    data = hashes.pack_of(assets, network, variant)
    with RemoteModel(device, "", data) as model:
        assert outputs(model, assets, network, data) == hashes.table()[network, variant]


@pytest.mark.parametrize(("variant", "kernel"), [("w4a8", "gemm_s8_s16_s4"), ("w8a16", "gemm_s16_s16_s8")])
def test_a_plan_says_what_layers_without_a_kernel_cost(
    assets: Path, device: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variant: str, kernel: str
) -> None:
    """Narrow weights and wide activations without NEON."""
    monkeypatch.setenv("EDGEQ_ISA", "portable")
    file = tmp_path / "net.eqm"
    file.write_bytes(hashes.pack_of(assets, "kws_ref_model_float32.tflite", variant))
    found = [layer.cost for layer in plan(device, file).layers if layer.kernel == kernel]
    assert found and all(c is not None and c.source == "emulated" and c.unit == "instructions" for c in found)
    amounts = {(rate.kernel, rate.size): rate.ns for rate in ARMV7.rates if rate.isa == "portable"}
    times = [amount / amounts["gemm_s8_s16_s8", size] for (name, size), amount in amounts.items() if name == kernel]
    assert all(1 < min(times) <= c.of_int8 <= max(times) for c in found if c is not None)


def test_wide_activations_have_kernels_of_their_own_with_neon(assets: Path, device: Target, tmp_path: Path) -> None:
    file = tmp_path / "net.eqm"
    file.write_bytes(hashes.pack_of(assets, "kws_ref_model_float32.tflite", "w8a16"))
    found = [layer for layer in plan(device, file).layers if layer.kernel in ("gemm_s16_s16_s8", "dwconv_s16_s16_s8")]
    assert found and {(layer.isa, layer.cost) for layer in found} == {("neon_armv7", None)}


def refusals(agent: list[str | Path], files: Path, store: Path) -> list[tuple[int, str]]:
    """Code and words of the agent for each file of a folder."""
    done = [subprocess.run([*agent, "--root", store, "install", path], capture_output=True, text=True) for path in sorted(files.iterdir())]
    return [(one.returncode, one.stderr) for one in done]


def test_hostile_files_are_refused_as_on_64_bits(devices: Path, qemu: str, tmp_path: Path) -> None:
    files = tmp_path / "files"
    shutil.copytree(FILES, files)
    for number, (change, _) in enumerate(CHANGES.values()):
        model = tables()
        change(model)
        (files / f"{number}.eqm").write_bytes(pack(model))
    found = refusals([*qemu.split(), devices / "armv7" / agents.AGENT], files, tmp_path / "armv7")
    assert {code for code, _ in found} == {3} and len(found) > len(CHANGES)
    assert found == refusals([build.build("agent", build.config_for("agent", None, False))], files, tmp_path / "here")


def test_the_device_says_what_kernels_it_runs(device: Target) -> None:
    assert status(device).device.isa_names == ("portable", "neon_armv7")


def test_a_core_without_neon_divide_and_vfpv4_runs_the_portable_kernels(without_neon: Target) -> None:
    assert status(without_neon).device.isa_names == ("portable",)


@pytest.mark.parametrize(("network", "variant"), [("kws_ref_model.tflite", "int8"), ("kws_ref_model_float32.tflite", "float32")])
def test_outputs_without_neon_are_those_of_the_table(assets: Path, without_neon: Target, network: str, variant: str) -> None:
    data = hashes.pack_of(assets, network, variant)
    with RemoteModel(without_neon, "", data) as model:
        assert outputs(model, assets, network, data) == hashes.table()[network, variant]
