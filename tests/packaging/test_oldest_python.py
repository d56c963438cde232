"""The device side in the oldest Python that is at hand (3.6 is promised), with the standard library alone and with numpy."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import edgeq_host
from edgeq_runtime import native

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits"
OLDEST = (3, 6)
RUN = """
import array, binascii, json, struct, sys
plain = sys.argv[3] == "plain"
if plain:
    sys.modules["numpy"] = None  # as if it were not installed
import edgeq_runtime
model = edgeq_runtime.open(sys.argv[1])
shape = model.inputs[0].shape
with open(sys.argv[2], "rb") as file:
    data = file.read()
if plain:
    x = array.array("f", struct.unpack("%df" % (len(data) // 4), data))
else:
    import numpy
    x = numpy.frombuffer(data, "float32").reshape(shape)
y = model.run(x)
kind = type(y).__name__
model.selftest()
print(json.dumps([list(sys.version_info[:2]), kind, list(y.shape), binascii.hexlify(memoryview(y).tobytes()).decode("ascii")]))
"""


def candidates() -> Iterator[str]:
    """python3.x of PATH and of pyenv, and this one."""
    for minor in range(OLDEST[1], sys.version_info.minor):
        yield from filter(None, [shutil.which(f"python3.{minor}")])
    root = os.environ.get("PYENV_ROOT")
    if root is None and shutil.which("pyenv"):
        root = subprocess.run(["pyenv", "root"], capture_output=True, text=True).stdout.strip()
    if root:
        yield from (str(path) for path in sorted(Path(root).glob("versions/3.*/bin/python")))
    yield sys.executable


def version(python: str, needs: str) -> tuple[int, int] | None:
    """Of an interpreter that starts and can import `needs`: a shim of pyenv may stand for nothing."""
    code = f"import ctypes, {needs}, sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, cwd="/")
    found = re.fullmatch(r"(\d+)\.(\d+)\n", done.stdout)
    return (int(found[1]), int(found[2])) if done.returncode == 0 and found else None


def oldest(needs: str) -> str:
    known = [(found, python) for python in candidates() if (found := version(python, needs)) and found >= OLDEST]
    return min(known)[1]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, bytes]:
    """A packed model, the bytes of an input and those that the host computes."""
    folder = tmp_path_factory.mktemp("oldest")
    packed = edgeq_host.quantize(edgeq_host.load(DIGITS / "digits.onnx"), calibration=DIGITS / "calibration.npz")
    packed.save(folder / "digits.eqm")
    x = np.ascontiguousarray(np.load(DIGITS / "test.npz")["x"][5:6], np.float32)
    (folder / "x.bin").write_bytes(x.tobytes())
    y = native.Model(folder / "digits.eqm").run(x)
    return folder / "digits.eqm", folder / "x.bin", y.tobytes()


@pytest.mark.parametrize(("needs", "kind"), [("array", "memoryview"), ("numpy", "ndarray")])
def test_the_oldest_python_gives_the_bytes_of_the_host(model: tuple[Path, Path, bytes], needs: str, kind: str) -> None:
    python, mode = oldest(needs), "plain" if needs == "array" else "numpy"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [python, *(["-W", "error"] if mode == "plain" else []), "-c", RUN, str(model[0]), str(model[1]), mode]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"{python}: {done.stderr}"
    _, returned, shape, found = json.loads(done.stdout)
    assert (returned, shape) == (kind, [1, 10])
    assert bytes.fromhex(found) == model[2]
