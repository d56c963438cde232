"""Fixtures that every part of the tests shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of real models and data (EDGEQ_ASSETS, default ../shared/assets); skips where it is absent."""
    path = Path(os.environ.get("EDGEQ_ASSETS", ROOT.parent / "shared" / "assets"))
    if not (path / "models").is_dir():
        pytest.skip(f"no models at {path}: set EDGEQ_ASSETS")
    return path
