"""An empty store on real files for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.store.binding import Store, on_files


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return on_files(str(tmp_path / "deep" / "store"))
