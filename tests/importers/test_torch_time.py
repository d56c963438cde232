from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

LIMIT_S = 5  # what check may take for a file of up to 50 MB


@pytest.mark.slow
def test_check_answers_in_time_for_an_exported_program_of_45_mb(tmp_path: Path) -> None:
    widths = [3] + 60 * [64]
    layers = [
        torch.nn.Sequential(torch.nn.Conv2d(a, b, 3, padding=1), torch.nn.BatchNorm2d(b), torch.nn.ReLU6()) for a, b in pairwise(widths)
    ]
    head = [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(64, 3000), torch.nn.ReLU(), torch.nn.Linear(3000, 2900)]
    module = torch.nn.Sequential(*layers, *head).eval()
    path = tmp_path / "big.pt2"
    torch.export.save(torch.export.export(module, (torch.zeros(1, 3, 32, 32),)), path)
    assert 40e6 < path.stat().st_size < 50e6
    before = os.times().children_user  # the time of one core: others may use the machine too
    subprocess.run([sys.executable, "-m", "edgeq_host", "check", str(path)], check=True, stdout=subprocess.DEVNULL)
    assert os.times().children_user - before < LIMIT_S
