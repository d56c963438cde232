"""The whole way of a model, command by command: check, quantize, inspect, plan, deploy, eval on the device, run, profile.

The device is the built-in board `local`: the agent as a process on this machine, with a store of its own in build/demo.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent / "digits"
OUT = Path(__file__).parents[1] / "build" / "demo"


def edgeq(*arguments: object) -> None:
    """Run one command as a user would, and show it."""
    words = [str(a) for a in arguments]
    print("\n$ edgeq " + " ".join(os.path.relpath(w) if os.sep in w else w for w in words), flush=True)
    subprocess.run([sys.executable, "-m", "edgeq_host.cli.main", *words], check=True)


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    os.environ["EDGEQ_STORE"] = str(OUT / "device")
    model, packed = HERE / "digits.onnx", OUT / "digits.eqm"
    image = OUT / "image.npy"
    np.save(image, np.load(HERE / "test.npz")["x"][:1])
    edgeq("check", model)
    edgeq("quantize", model, "--calibration", HERE / "calibration.npz", "--data", HERE / "test.npz", "--precision", "int8", "-o", packed)
    edgeq("inspect", packed)
    edgeq("plan", packed, "--board", "local")
    edgeq("deploy", packed, "--board", "local")
    edgeq("eval", "digits", "--data", HERE / "test.npz", "--board", "local")
    edgeq("run", "digits", "--board", "local", "--input", image, "-o", OUT / "scores.npy")
    edgeq("profile", "digits", "--board", "local")
    edgeq("status", "--board", "local")
    print(f"\nthe image shows a {np.load(OUT / 'scores.npy').argmax()}; the files are in {os.path.relpath(OUT)}")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
