"""python tools/wheels.py FOLDER: build the wheels of edgeq-runtime (this platform) and edgeq (any) into a folder.

Setuptools' own files go to a temporary folder: what an earlier build left behind would be packed again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def build_wheel(source: Path, out: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        config = Path(scratch) / "setup.cfg"
        config.write_text(f"[build]\nbuild_base = {scratch}/build\n[egg_info]\negg_base = {scratch}\n", encoding="utf-8")
        command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(out), str(source)]
        done = subprocess.run(command, env={**os.environ, "DIST_EXTRA_CONFIG": str(config)}, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{source}: {done.stdout}{done.stderr}")


def main() -> None:
    out = Path(sys.argv[1]).resolve()
    out.mkdir(parents=True, exist_ok=True)
    for source in (ROOT / "edgeq_runtime", ROOT):
        build_wheel(source, out)
    for wheel in sorted(out.glob("*.whl")):
        print(f"{wheel} ({wheel.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
