"""What the store on flash takes of a chip: compiled for a Cortex-M4 as firmware is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edgeq_runtime import build

AGENT = build.CSRC / "agent"
CC = "arm-none-eabi-gcc"
CHIP = ("-DEQ_STORE_VERSIONS=4u", "-DEQ_WITHOUT_files=1")
FLAGS = (
    "-std=c11",
    "-Os",
    "-mcpu=cortex-m4",
    "-mthumb",
    "-ffreestanding",
    "-ffunction-sections",
    "-DEQ_STORE_VERSIONS=4u",
    "-DEQ_WITHOUT_files=1",
    f"-I{AGENT}",
)
CODE, RAM, UPLOAD, STACK = 6000, 720, 440, 300  # bytes; of stack: in any one function


@pytest.fixture(scope="module", autouse=True)
def compiler() -> None:
    if not shutil.which(CC):
        pytest.skip(f"{CC} is not installed: apt-get install gcc-arm-none-eabi")


def _compile(source: Path, folder: Path) -> Path:
    output = folder / f"{source.stem}.o"
    subprocess.run(
        [CC, *FLAGS, "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fstack-usage", "-c", str(source), "-o", str(output)], check=True
    )
    return output


def test_code_memory_and_stack_are_what_a_chip_has(tmp_path: Path) -> None:
    objects = [_compile(source, tmp_path) for source in (*AGENT.glob("store_flash*.c"), AGENT / "store_common.c")]
    listed = subprocess.run(["arm-none-eabi-size", *map(str, objects)], capture_output=True, text=True, check=True).stdout
    rows = [list(map(int, line.split()[:3])) for line in listed.splitlines()[1:]]
    assert len(rows) == 6 and sum(row[0] for row in rows) <= CODE and all(row[1:] == [0, 0] for row in rows)
    frames = re.findall(r"\t(\d+)\tstatic", "".join(path.read_text() for path in tmp_path.glob("*.su")))
    assert len(frames) > 50 and max(map(int, frames)) <= STACK


def test_the_store_and_an_upload_take_little_memory(tmp_path: Path) -> None:
    source = tmp_path / "sizes.c"
    source.write_text('#include "eq_flash.h"\nchar store[sizeof(struct eq_flash_store)], upload[sizeof(struct eq_upload)];\n')
    listed = subprocess.run(["arm-none-eabi-nm", "-S", str(_compile(source, tmp_path))], capture_output=True, text=True, check=True).stdout
    sizes = {line.split()[3]: int(line.split()[1], 16) for line in listed.splitlines()}
    assert sizes["store"] <= RAM and sizes["upload"] <= UPLOAD
