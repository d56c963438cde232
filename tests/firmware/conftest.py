"""The firmware of the emulated chips, built here, and a flash of its own for each test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeq_host import boards, programs
from edgeq_host.targets import Target, of_board
from edgeq_runtime import build, firmware

CHIPS = {
    "sim:cortex-m3": "mps2_an385",
    "sim:cortex-m4": "mps2_an386",
    "sim:cortex-m7": "mps2_an500",
    "sim:cortex-m33": "mps2_an505",
    "sim:cortex-m55": "mps3_an547",
}
Chip = Callable[[str], Target]


@pytest.fixture(scope="session")
def tools() -> None:
    for name in (firmware.CC, "qemu-system-arm"):
        if shutil.which(name) is None:
            if os.environ.get("CI"):
                raise AssertionError(f"{name} is not installed")
            pytest.skip(f"{name} is not installed")


@pytest.fixture
def chip(tools: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Chip:
    """The board of a name, with its firmware built; nothing is on its flash."""
    monkeypatch.setenv("EDGEQ_STORE", str(tmp_path / "store"))

    def target(name: str) -> Target:
        assert build.image(CHIPS[name]) == programs.FIRMWARE / CHIPS[name] / "edgeq.elf"
        return of_board(boards.resolve(name))

    return target
