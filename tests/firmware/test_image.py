"""What is in an image, and what must not be."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from edgeq_host import programs
from edgeq_host.deploy import deploy, status
from edgeq_host.errors import ModelError
from edgeq_runtime import build, firmware, stack
from tests.agent.conftest import packed
from tests.firmware.conftest import CHIPS, Chip
from tests.networks import zoo

pytestmark = pytest.mark.slow
FORBIDDEN = re.compile(r"_?(malloc|calloc|realloc|free|sbrk|v?s?n?printf|puts|fopen|exit|write|read|open|close)(_r)?")
ROM = {port: (0x10000000 if port in ("mps2_an505", "mps3_an547") else 0) for port in CHIPS.values()}


def _symbols(image: Path, *options: str) -> dict[str, int]:
    command = ["arm-none-eabi-nm", "--defined-only", *options, str(image)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {name: int(address, 16) for address, _, name in (line.split() for line in listed.splitlines())}


@pytest.mark.parametrize("port", CHIPS.values())
def test_an_image_begins_with_its_vectors_and_has_no_heap_and_no_stdio(port: str, tools: None) -> None:
    symbols = _symbols(build.image(port))
    assert [name for name in _symbols(build.image(port), "--extern-only") if FORBIDDEN.fullmatch(name)] == []
    words = build.image(port).with_suffix(".bin").read_bytes()[:12]
    stack, reset, nmi = (int.from_bytes(words[at : at + 4], "little") for at in (0, 4, 8))
    assert stack == symbols["eq_handler_stack_top"] and reset == symbols["eq_reset"] | 1 and nmi == symbols["eq_fault_interrupt"] | 1
    assert symbols["vectors"] == ROM[port] and symbols["eq_stack_bottom"] % 0x01000000 == 0
    assert (build.image(port).parent / "edgeq.map").stat().st_size > 10_000


def test_a_port_that_is_not_there_is_named_with_those_that_are(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["build", "firmware", "mps2_an3"])
    assert build.main() == 1
    assert "no firmware 'mps2_an3'" in (said := capsys.readouterr().err) and "mps2_an386" in said


def test_a_compiler_that_is_missing_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firmware.shutil, "which", lambda name: None)
    with pytest.raises(build.BuildError, match=r"arm-none-eabi-gcc is not installed.*apt-get install gcc-arm-none-eabi"):
        build.image("mps2_an386")


KWS = (
    *("conv2d_s8", "depthwise_conv2d_s8", "avg_pool2d_s8", "reshape", "fully_connected_s8", "softmax_s8"),
    *("gemm_s8_s16_s8", "dwconv_s8_s8_s8", "sum_s32_s8_s8"),
)
# Of agent, runtime and what keyword spotting takes: bytes of flash (40,000 and 52,000 are the goals), of RAM, and of stack at most.
MOST = {"": (48_000, 6_000, 2_048), "signing": (59_500, 6_000, 4_096)}
FLOAT = re.compile(r"__aeabi_(f|d)\w+|__aeabi_u?[il]2[fd]\w*|sqrtf|__\w+[sd]f[23]?")


def test_a_firmware_of_one_model_holds_what_it_takes_runs_it_and_refuses_others(
    chip: Chip, assets: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    target, image = chip("sim:cortex-m4"), build.image("mps2_an386", KWS)
    (tmp_path / "mps2_an386").symlink_to(image.parent)
    monkeypatch.setattr(programs, "FIRMWARE", tmp_path)
    symbols = _symbols(image)
    assert "eq_run_softmax_s8" in symbols and not {"eq_run_mul_s8", "eq_ed25519_verify", "eq_bench_row", "eq_gemm_band_run"} & set(symbols)
    assert [name for name in symbols if FLOAT.fullmatch(name)] == []
    assert [name for name in _symbols(build.image("mps2_an386")) if FLOAT.fullmatch(name)] != []  # inputs and outputs of float32
    file = tmp_path / "kws.eqm"
    file.write_bytes(zoo.packed(assets, "kws_ref_model"))
    assert deploy(target, file).changed
    assert {name.rpartition("__")[0] for name in status(target).device.kernels} == set(KWS[6:])
    other = tmp_path / "clip.eqm"
    other.write_bytes(packed(3))  # ends in an operator that is not there
    with pytest.raises(ModelError, match="an operator or type that this build does not have"):
        deploy(target, other)


@pytest.mark.parametrize("part", MOST)
def test_flash_ram_and_stack_of_a_firmware_of_one_model_are_told_and_held(part: str, tools: None) -> None:
    image = build.image("mps2_an386", (*KWS, *filter(None, [part])))
    found = json.loads((image.parent / "edgeq.size.json").read_text(encoding="utf-8"))
    assert image.with_suffix(".bin").stat().st_size == found["flash_bytes"]
    assert 4_000 < found["agent_bytes"] < found["ram_bytes"] and 1_000 < found["stack_bytes"] <= found["stack_reserved_bytes"]
    flash, ram, depth = MOST[part]
    assert (found["flash_bytes"] <= flash, found["ram_bytes"] < ram, found["stack_bytes"] < depth) == (True, True, True), found
    symbols = _symbols(image)
    assert ("eq_ed25519_verify" in symbols) is (part == "signing") and [name for name in symbols if FLOAT.fullmatch(name)] == []
    assert [name for name in _symbols(image, "--extern-only") if FORBIDDEN.fullmatch(name)] == []


def test_a_stack_without_a_bound_and_a_call_to_nobody_knows_whom_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = 'node: {{ title: "x:{0}" label: "{0}\\n/f.c:1:1\\n{1} bytes ({2})" }}\n'
    edge = 'edge: {{ sourcename: "x:{}" targetname: "{}" label: "/f.c:2:2" }}\n'
    monkeypatch.setattr(stack, "disassembled", lambda elf: {"asm": 12})
    text = node.format("a", 8, "static") + node.format("b", 100, "static") + edge.format("x:a"[2:], "x:b") + edge.format("b", "asm")
    assert stack.read(text, tmp_path).deepest("a") == (120, ["a", "b", "asm"])
    with pytest.raises(build.BuildError, match="the stack has no bound: a > b > a"):
        stack.read(text + edge.format("b", "x:a"), tmp_path).deepest("a")
    with pytest.raises(build.BuildError, match="b takes stack as it goes"):
        stack.read(node.format("b", 100, "dynamic"), tmp_path)
    with pytest.raises(build.BuildError, match=r"/f.c calls through a pointer"):
        stack.read(text + edge.format("b", "__indirect_call"), tmp_path).deepest("a")


def test_what_there_is_not_cannot_be_asked_for(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["build", "firmware", "mps2_an386", "--only", "conv2d_s8,signing,gemm"])
    assert build.main() == 1
    assert "no operator, kernel or part gemm:" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["build", "lib", "--only", "conv2d_s8"])
    with pytest.raises(SystemExit):
        build.main()
    assert "--only is an option of firmware" in capsys.readouterr().err


@pytest.mark.parametrize("name", firmware.ports())
def test_a_chip_without_a_unit_for_it_is_built_without_floating_point(name: str) -> None:
    port = firmware.port_of(name)
    without, fpu = firmware.left_out(port), firmware.CORES[port.core].fpu
    assert ("conv2d_f32" in without) is ("gemm_f32_f32_f32__portable" in without) is (not fpu)
    assert "conv2d_s8" not in without and {"gemm_s8_s8_s8__neon", "gemm_s8_u8_s8__portable"} <= without
