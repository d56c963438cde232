"""What check does with a large exported program: calls of functions and looks for garbage are counted, time is not."""

from __future__ import annotations

import cProfile
import gc
import pstats
from itertools import pairwise
from pathlib import Path

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


@pytest.mark.slow
def test_nothing_looks_for_garbage_among_the_millions_of_objects_of_torch(tmp_path: Path) -> None:
    path = exported(tmp_path / "few.pt2", FEW)
    check(path)
    whole: list[int] = []

    def seen(phase: str, info: dict[str, int]) -> None:
        if phase == "start" and info["generation"] == 2:
            whole.append(info["generation"])

    gc.callbacks.append(seen)
    try:
        check(path)
    finally:
        gc.callbacks.remove(seen)
    assert whole == []
