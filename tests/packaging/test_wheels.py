"""The wheels, built and installed as a user's: no compiler, no clone, the README's job on the board `local`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.agent.test_device_page import build_page

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits"
MAX_BYTES = 15_000_000
BUILT = [f"edgeq_runtime/lib/{name}" for name in ("edgeq-agent", "libedgeq-bench.so", "libedgeq.so")]


HEADERS = [f"edgeq_runtime/csrc/{name}" for name in ("agent/eq_message.h", "agent/eq_store.h", "eq.h", "eq_hash.h", "posix/eq_threads.h")]


def clean() -> dict[str, str]:
    """Without PYTHONPATH and the like: pip takes a clone that it sees there for an installed edgeq."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("EDGEQ_", "PYTHON"))}


@dataclass(frozen=True)
class Wheels:
    runtime: Path
    host: Path


@dataclass(frozen=True)
class Installed:
    """An environment with both wheels. Its PATH is its own bin: no compiler, no make, no git."""

    bin: Path
    work: Path

    def __call__(self, *words: object) -> str:
        env = {**clean(), "PATH": str(self.bin), "HOME": str(self.work), "EDGEQ_STORE": str(self.work / "device")}
        done = subprocess.run(
            [str(w) for w in (self.bin / str(words[0]), *words[1:])], env=env, cwd=self.work, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, ROOT / "tools" / "wheels.py", out], check=True)
    (runtime,), (host,) = out.glob("edgeq_runtime-*.whl"), out.glob("edgeq-*.whl")
    return Wheels(runtime, host)


@pytest.fixture(scope="module")
def installed(wheels: Wheels, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, env=clean())
    pip = [folder / "venv" / "bin" / "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "install", "-c", ROOT / "constraints.txt", wheels.runtime, wheels.host], check=True, env=clean())
    (folder / "work").mkdir()
    return Installed(folder / "venv" / "bin", folder / "work")


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_device_wheel_is_of_this_platform_and_of_any_python(wheels: Wheels) -> None:
    assert re.fullmatch(r"edgeq_runtime-[\d.]+-py3-none-linux_\w+\.whl", wheels.runtime.name)
    assert re.fullmatch(r"edgeq-[\d.]+-py3-none-any\.whl", wheels.host.name)


def test_wheels_hold_of_c_the_public_headers_alone_and_stay_small(wheels: Wheels) -> None:
    for wheel, headers in ((wheels.runtime, HEADERS), (wheels.host, [])):
        assert sorted(name for name in names(wheel) if name.endswith((".c", ".h", ".o", ".cmd"))) == headers
        assert wheel.stat().st_size < MAX_BYTES


def test_the_device_wheel_holds_the_lists_and_what_was_compiled(wheels: Wheels) -> None:
    lists = {f"edgeq_runtime/{p.relative_to(ROOT / 'edgeq_runtime')}" for p in (ROOT / "edgeq_runtime" / "csrc").rglob("*.def")}
    held = set(names(wheels.runtime))
    assert lists and lists | set(BUILT) <= held
    assert held.isdisjoint({"edgeq_runtime/build.py", "edgeq_runtime/setup.py"})
    assert not [name for name in held if not name.startswith("edgeq_runtime")]


def test_the_host_wheel_holds_every_board_and_every_module(wheels: Wheels) -> None:
    boards = {f"edgeq_boards/{p.relative_to(ROOT / 'boards')}" for p in (ROOT / "boards").rglob("*.toml")}
    modules = {str(p.relative_to(ROOT)) for p in (ROOT / "edgeq_host").rglob("*.py")}
    held = {name for name in names(wheels.host) if ".dist-info/" not in name}
    assert boards and held == boards | modules


def test_libraries_are_executable_once_installed(installed: Installed) -> None:
    package = next(installed.bin.parent.glob("lib/python3*/site-packages"))
    for name in BUILT:
        assert os.access(package / name, os.X_OK), name


def test_the_agent_is_a_command_once_installed(installed: Installed) -> None:
    assert installed("edgeq-agent", "--version").startswith("edgeq-agent ")
    assert not (installed.work / "device").exists()
    done = subprocess.run([installed.bin / "edgeq-agent", "nonsense"], capture_output=True, text=True, env={"HOME": str(installed.work)})
    assert done.returncode == 2 and done.stderr.startswith("usage: edgeq-agent")


def test_a_c_program_is_built_against_the_wheel_as_the_page_says(installed: Installed) -> None:
    found = [installed("python", "-c", f"import edgeq_runtime as e; print(e.{f}())").strip() for f in ("include_dir", "library_dir")]
    assert all(str(installed.bin.parent) in folder for folder in found)
    program = build_page(installed.work, *found)
    done = subprocess.run([program, "none"], capture_output=True, text=True, env={"EDGEQ_STORE": str(installed.work / "empty")})
    assert done.returncode == 1 and done.stderr == "none: the device has no such model or version\n"


def test_the_camera_loop_in_c_is_built_against_the_wheel_as_its_head_says(installed: Installed) -> None:
    text = (ROOT / "examples" / "05_camera_loop.c").read_text(encoding="utf-8")
    (installed.work / "05_camera_loop.c").write_text(text, encoding="utf-8")
    script = "\n".join(re.findall(r"^ \* {5}((?:at\(\)|cc) .*)", text, re.M))
    env = {**clean(), "PATH": f"{installed.bin}:/usr/bin:/bin"}
    subprocess.run(["sh", "-ec", script], cwd=installed.work, env=env, check=True)
    frame = DIGITS / "frames" / "00.pgm"
    done = subprocess.run([installed.work / "camera_loop", "-m", "none", frame], capture_output=True, text=True, env={"HOME": "/nowhere"})
    assert done.returncode == 1 and done.stderr == "none: the device has no such model or version\n"


def test_the_device_wheel_needs_nothing_else(wheels: Wheels, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheels.runtime) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        text = archive.read(metadata).decode("utf-8")
    assert "Requires-Python: >=3.6" in text and "Requires-Dist" not in text


def test_the_job_of_the_readme_runs_from_wheels_alone(installed: Installed) -> None:
    packed, scores = installed.work / "digits.eqm", installed.work / "scores.npy"
    image = installed.work / "image.npy"
    np.save(image, np.load(DIGITS / "test.npz")["x"][:1])
    data = ["--data", DIGITS / "test.npz"]
    installed("edgeq", "quantize", DIGITS / "digits.onnx", "--calibration", DIGITS / "calibration.npz", *data, "-o", packed)
    assert "edgeq_boards" in installed("python", "-c", "from edgeq_host import boards; print(boards.SHIPPED)")
    installed("edgeq", "deploy", packed, "--board", "local")
    assert re.search(r"top1 9[5-9]\.\d+ %.*n = 599", installed("edgeq", "eval", "digits", *data, "--board", "local"))
    installed("edgeq", "run", "digits", "--board", "local", "--input", image, "-o", scores)
    assert np.load(scores).argmax() == np.load(DIGITS / "test.npz")["y"][0]
    assert "digits" in installed("edgeq", "status", "--board", "local")
    code = "import edgeq_runtime, numpy; print(edgeq_runtime.open('digits').run(numpy.load('image.npy')).tobytes().hex())"
    assert installed("python", "-c", code).strip() == np.load(scores).tobytes().hex()
