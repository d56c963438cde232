"""CI=true: what is missing is a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
SHARED = Path(__file__).parents[1] / "conftest.py"
CASES = {
    "in a test": "import pytest\ndef test_it(): pytest.skip('flatc is not installed')\n",
    "in a fixture": "def test_it(assets): pass\n",
    "of a module": "import pytest\npytest.importorskip('no_such_module')\ndef test_it(): pass\n",
}


def run(folder: Path, code: str, ci: str) -> tuple[int, str]:
    (folder / "conftest.py").write_text(SHARED.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "test_case.py").write_text(code, encoding="utf-8")
    env = {**os.environ, "CI": ci, "EDGEQ_ASSETS": str(folder / "none")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    return done.returncode, done.stdout


@pytest.mark.parametrize("case", CASES)
def test_a_skip_is_a_failure_in_ci(tmp_path: Path, case: str) -> None:
    code, out = run(tmp_path, CASES[case], "true")
    assert code in (1, 2) and "must not be skipped" in out


@pytest.mark.parametrize("case", CASES)
def test_a_skip_stays_one_outside_of_ci(tmp_path: Path, case: str) -> None:
    code, out = run(tmp_path, CASES[case], "")
    assert code in (0, 5) and "1 skipped" in out


def test_what_the_cpu_cannot_run_may_be_skipped_in_ci(tmp_path: Path) -> None:
    code, out = run(tmp_path, "import pytest\ndef test_it(): pytest.skip('kernel__sve does not run here')\n", "true")
    assert code == 0 and "1 skipped" in out
