"""Keys, small packs and the command, in a folder of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edgeq_host import keys
from tests.agent.conftest import packed

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Desk:
    """A folder with the keys `release` and `other`, and the unsigned model.eqm. Commands run in it as processes of their own."""

    folder: Path

    @property
    def model(self) -> Path:
        return self.folder / "model.eqm"

    def edgeq(self, *words: object, pass_fds: tuple[int, ...] = (), **environment: str) -> Ran:
        command = [sys.executable, "-m", "edgeq_host", *map(str, words)]
        variables = {**os.environ, **environment}
        done = subprocess.run(command, cwd=self.folder, env=variables, capture_output=True, text=True, timeout=60, pass_fds=pass_fds)
        assert "Traceback" not in done.stderr or "--traceback" in words
        return Ran(done.returncode, done.stdout, done.stderr)

    def public(self, name: str = "release") -> keys.PublicKey:
        return keys.read_public(self.folder / f"{name}.pub")

    def private(self, name: str = "release") -> keys.PrivateKey:
        return keys.read_private(keys.Secret(file=self.folder / f"{name}.key"), None)


def openssl(folder: Path, words: str) -> bytes:
    """What another program makes of the files in the folder: its output. It has to succeed."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed: apt-get install openssl")
    done = subprocess.run(["openssl", *words.split()], cwd=folder, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("EDGEQ_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    folder = tmp_path / "desk"
    folder.mkdir()
    for name in ("release", "other"):
        keys.create(folder / f"{name}.key", name)
    (folder / "model.eqm").write_bytes(packed(1))
    return Desk(folder)
