"""What check does with an exported program: calls of functions are counted, time is not."""

from __future__ import annotations

import cProfile
import gc
import pstats
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from edgeq_host.check import check

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

FEW, MANY = 20, 60  # layers


def exported(path: Path, layers: int) -> Path:
    """A program of convolutions with batch norm and two large layers behind them: 45 MB with 60."""
    widths = [3] + layers * [64]
    blocks = [
        torch.nn.Sequential(torch.nn.Conv2d(a, b, 3, padding=1), torch.nn.BatchNorm2d(b), torch.nn.ReLU6()) for a, b in pairwise(widths)
    ]
    head = [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(64, 3000), torch.nn.ReLU(), torch.nn.Linear(3000, 2900)]
    module = torch.nn.Sequential(*blocks, *head).eval()
    torch.export.save(torch.export.export(module, (torch.zeros(1, 3, 32, 32),)), path)
    return path


def calls(path: Path) -> int:
    profile = cProfile.Profile()
    report = profile.runcall(check, path)
    assert report.ok
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


@pytest.mark.slow
def test_the_work_of_check_grows_with_the_layers_of_an_exported_program_and_no_faster(tmp_path: Path) -> None:
    few, many = exported(tmp_path / "few.pt2", FEW), exported(tmp_path / "many.pt2", MANY)
    assert 40e6 < many.stat().st_size < 50e6
    calls(few)  # imports, and what torch and onnxscript make once
    assert calls(many) < MANY / FEW * calls(few)


def test_nothing_looks_for_garbage_while_torch_works_and_all_is_as_before_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, seen = exported(tmp_path / "one.pt2", 1), []
    for module, name in ((torch.export, "load"), (torch.onnx, "export")):
        work = getattr(module, name)

        def watched(*args: Any, work: Any = work, **options: Any) -> Any:
            seen.append(gc.isenabled())
            return work(*args, **options)

        monkeypatch.setattr(module, name, watched)
    assert check(path).ok
    assert seen == [False, False] and gc.isenabled()
