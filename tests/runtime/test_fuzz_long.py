"""Minutes of coverage-guided fuzzing of every target, from the kept corpora on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzzing import DATA, NAMES, fuzz_for, fuzzer

SECONDS = 300
pytestmark = pytest.mark.exhaustive


@pytest.mark.parametrize("name", NAMES)
def test_five_minutes_of_fuzzing_find_nothing(name: str, tmp_path: Path) -> None:
    fuzz_for(fuzzer(name), SECONDS, tmp_path, DATA / name)
