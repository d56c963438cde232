"""A project folder and a user's configuration that are empty."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder; the user's files are in the folder `home` beside it."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "EDGEQ_BOARD", "EDGEQ_BOARD_PATH", "EDGEQ_SSH"):
        monkeypatch.delenv(name, raising=False)
    return folder
