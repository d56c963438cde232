"""python tools/wheels.py FOLDER: build the wheels into a folder: edgeq-runtime for every machine of build.CROSS, and edgeq, one for all.

Setuptools' own files go to a temporary folder: what an earlier build left behind would be packed again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from edgeq_runtime import build

ROOT = Path(__file__).resolve().parents[1]


def build_wheel(source: Path, out: Path, platform: str = "") -> None:
    """platform: as in the wheel's name; empty: what setup.py says by itself."""
    with tempfile.TemporaryDirectory() as scratch:
        config = Path(scratch) / "setup.cfg"
        text = f"[build]\nbuild_base = {scratch}/build\n[egg_info]\negg_base = {scratch}\n"
        config.write_text(text + (f"[bdist_wheel]\nplat_name = {platform}\n" if platform else ""), encoding="utf-8")
        command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(out), str(source)]
        done = subprocess.run(command, env={**os.environ, "DIST_EXTRA_CONFIG": str(config)}, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{source}: {done.stdout}{done.stderr}")


def main() -> None:
    out = Path(sys.argv[1]).resolve()
    out.mkdir(parents=True, exist_ok=True)
    for machine in build.CROSS.values():
        build_wheel(ROOT / "edgeq_runtime", out, machine.wheel)
    build_wheel(ROOT, out)
    for wheel in sorted(out.glob("*.whl")):
        print(f"{wheel} ({wheel.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
