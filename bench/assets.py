"""The real models that are measured: of EDGEQ_ASSETS, or of shared/assets beside this folder of the repository."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

MODELS = Path(os.environ.get("EDGEQ_ASSETS", Path(__file__).parents[2] / "shared" / "assets")) / "models"


def tflite(names: Iterable[str]) -> list[Path]:
    """Their files. Ends the program where one is missing."""
    paths = [MODELS / f"{name}.tflite" for name in names]
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        sys.exit(f"error: no such model: {', '.join(missing)}\nhint:  set EDGEQ_ASSETS to the folder of the assets")
    return paths
