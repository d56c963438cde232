"""64-bit Arm under qemu-user: emulated."""

from __future__ import annotations

import os

import pytest

from bench.arm import guest


@pytest.fixture(scope="session", autouse=True)
def tools() -> None:
    try:
        guest.need_tools()
    except guest.Missing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
