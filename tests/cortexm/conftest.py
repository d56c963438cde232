"""Cortex-M under qemu-system-arm, without firmware: emulated."""

from __future__ import annotations

import os

import pytest

from bench.arm.guest import Missing
from bench.cortexm import guest


@pytest.fixture(scope="session", autouse=True)
def tools() -> None:
    try:
        guest.need_tools()
    except Missing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
