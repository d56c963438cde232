"""The command as a user meets it: words in, exit code and two streams out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edgeq_host.cli.main import entry

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits"


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Edgeq = Callable[..., Result]


@pytest.fixture
def edgeq(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edgeq:
    """Runs `edgeq ARGUMENTS` in an empty folder, with a store of its own. No traceback may ever show."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EDGEQ_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*arguments: object) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            entry([str(a) for a in arguments])
        captured = capsys.readouterr()
        code = left.value.code
        assert isinstance(code, int)
        assert "Traceback" not in captured.err + captured.out
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """digits.eqm, quantized once."""
    from edgeq_host.produce import Source, produce

    path = tmp_path_factory.mktemp("packed") / "digits.eqm"
    source = Source(DIGITS / "digits.onnx", calibration=str(DIGITS / "calibration.npz"), score=str(DIGITS / "test.npz"), name="digits")
    produce(source).save(path)
    return path
