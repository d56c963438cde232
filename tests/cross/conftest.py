"""What is built for devices: every file of build/devices, up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq_runtime import build


@pytest.fixture(scope="session")
def devices() -> Path:
    """The folder with <arch>/edgeq-agent, <arch>/libedgeq.so and SHA256SUMS."""
    pytest.importorskip("ziglang")
    return build.devices().parent
