"""64-bit Arm under qemu-user: emulated."""

from __future__ import annotations

import pytest

from bench.arm import guest


@pytest.fixture(scope="session", autouse=True)
def tools() -> None:
    try:
        guest.need_tools()
    except guest.Missing as missing:
        pytest.skip(str(missing))
