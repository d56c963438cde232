"""What is in an image, and what must not be."""

from __future__ import annotations

import re
import subprocess

import pytest

from edgeq_runtime import build, firmware
from tests.firmware.conftest import CHIPS

pytestmark = pytest.mark.slow
FORBIDDEN = re.compile(r"_?(malloc|calloc|realloc|free|sbrk|v?s?n?printf|puts|fopen|exit|write|read|open|close)(_r)?")
ROM = {port: (0x10000000 if port in ("mps2_an505", "mps3_an547") else 0) for port in CHIPS.values()}


def _symbols(port: str, *options: str) -> dict[str, int]:
    command = ["arm-none-eabi-nm", "--defined-only", *options, str(build.image(port))]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {name: int(address, 16) for address, _, name in (line.split() for line in listed.splitlines())}


@pytest.mark.parametrize("port", CHIPS.values())
def test_an_image_begins_with_its_vectors_and_has_no_heap_and_no_stdio(port: str, tools: None) -> None:
    symbols = _symbols(port)
    assert [name for name in _symbols(port, "--extern-only") if FORBIDDEN.fullmatch(name)] == []
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
