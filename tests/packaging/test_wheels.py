"""The wheels, built and installed as a user's: no compiler, no network, no clone, the README's job on the board `local`."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from edgeq_host import agents
from edgeq_host.setup import payload
from tests.agent.test_device_page import build_page

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits"
MAX_BYTES = {"edgeq": 3_000_000, "edgeq_runtime": 1_000_000}  # of one wheel; all together stay under 15 MB
BUILT = [f"edgeq_runtime/lib/{name}" for name in ("edgeq-agent", "libedgeq-bench.so", "libedgeq.so")]
AGENTS = [f"{arch}/{name}" for arch in agents.ARCHES for name in (agents.AGENT, agents.LIBRARY)]
MACHINE = {"x86_64": "Advanced Micro Devices X86-64", "aarch64": "AArch64", "armv7l": "ARM"}  # by the last word of a wheel's platform

HEADERS = sorted(f"edgeq_runtime/{name}" for name in payload.HEADERS)


def clean() -> dict[str, str]:
    """Without PYTHONPATH and the like: pip takes a clone that it sees there for an installed edgeq."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("EDGEQ_", "PYTHON"))}


@cache
def without_network() -> tuple[str, ...]:
    """The words before a command that give it a network of its own, without a way out. None where the system forbids that: pip's
    --no-index then is all that keeps it at home."""
    words = (shutil.which("unshare") or "unshare", "--map-root-user", "--net")
    try:
        allowed = subprocess.run([*words, "true"], capture_output=True).returncode == 0
    except OSError:
        allowed = False
    return words if allowed else ()


@dataclass(frozen=True)
class Wheels:
    """runtimes: by the last word of their platform."""

    runtimes: dict[str, Path]
    host: Path

    @property
    def runtime(self) -> Path:
        return self.runtimes[platform.machine()]

    @property
    def all(self) -> list[Path]:
        return [*self.runtimes.values(), self.host]


@dataclass(frozen=True)
class Installed:
    """An environment with both wheels. Its PATH is its own bin: no compiler, no make, no git; and there is no network."""

    bin: Path
    work: Path

    def __call__(self, *words: object) -> str:
        env = {**clean(), "PATH": str(self.bin), "HOME": str(self.work), "EDGEQ_STORE": str(self.work / "device")}
        done = subprocess.run(
            [str(w) for w in (*without_network(), self.bin / str(words[0]), *words[1:])],
            env=env,
            cwd=self.work,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, ROOT / "tools" / "wheels.py", out], check=True)
    (host,) = out.glob("edgeq-*.whl")
    return Wheels({path.stem.partition("manylinux_2_17_")[2]: path for path in out.glob("edgeq_runtime-*.whl")}, host)


@pytest.fixture(scope="module")
def installed(wheels: Wheels, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, env=clean())
    pip = [folder / "venv" / "bin" / "pip", "--disable-pip-version-check", "-q"]
    both = ["-c", ROOT / "constraints.txt", wheels.runtime, wheels.host]
    subprocess.run([*pip, "download", "--only-binary", ":all:", "-d", folder / "downloaded", *both], check=True, env=clean())
    install = [*without_network(), *pip, "install", "--no-index", "--find-links", folder / "downloaded", *both]
    subprocess.run(install, check=True, env=clean())
    (folder / "work").mkdir()
    return Installed(folder / "venv" / "bin", folder / "work")


def package_folder(installed: Installed) -> Path:
    return next(installed.bin.parent.glob("lib/python3*/site-packages"))


def readelf(path: Path, option: str) -> str:
    return subprocess.run(["readelf", "-W", option, path], capture_output=True, text=True, check=True).stdout


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_there_is_a_device_wheel_for_each_machine_and_a_host_wheel_for_all(wheels: Wheels) -> None:
    assert set(wheels.runtimes) == set(MACHINE)
    for path in wheels.runtimes.values():
        assert re.fullmatch(r"edgeq_runtime-[\d.]+-py3-none-manylinux_2_17_\w+\.whl", path.name)
    assert re.fullmatch(r"edgeq-[\d.]+-py3-none-any\.whl", wheels.host.name)


@pytest.mark.parametrize("machine", MACHINE)
def test_pip_on_that_machine_takes_that_wheel(wheels: Wheels, machine: str, tmp_path: Path) -> None:
    index = ["--no-index", "--find-links", wheels.host.parent, "--no-deps", "--only-binary", ":all:", "-d", tmp_path]
    # as pip asks on Debian 11, whose glibc is 2.31
    tags = [word for minor in range(31, 4, -1) for word in ("--platform", f"manylinux_2_{minor}_{machine}")]
    subprocess.run([sys.executable, "-m", "pip", "-q", "download", *index, *tags, "edgeq-runtime"], check=True, env=clean())
    assert [path.name for path in tmp_path.iterdir()] == [wheels.runtimes[machine].name]


@pytest.mark.parametrize("machine", MACHINE)
def test_what_a_device_wheel_holds_fits_the_platform_in_its_name(wheels: Wheels, machine: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheels.runtimes[machine]) as archive:
        for name in BUILT:
            path = Path(archive.extract(name, tmp_path))
            assert f"Machine: {MACHINE[machine]}" in re.sub(" +", " ", readelf(path, "-h"))
            found = {tuple(map(int, v.split("."))) for v in re.findall(r"Name: GLIBC_([\d.]+)", readelf(path, "-V"))}
            assert max(found, default=(0,)) <= (2, 17) and bool(found) == name.endswith(".so")


def test_wheels_hold_of_c_the_public_headers_alone_and_stay_small(wheels: Wheels) -> None:
    for wheel in wheels.all:
        package = wheel.name.partition("-")[0]
        headers = HEADERS if package == "edgeq_runtime" else []
        assert sorted(name for name in names(wheel) if name.endswith((".c", ".h", ".o", ".cmd"))) == headers
        assert wheel.stat().st_size < MAX_BYTES[package]


def test_the_device_wheel_holds_the_lists_and_what_was_compiled(wheels: Wheels) -> None:
    lists = {f"edgeq_runtime/{p.relative_to(ROOT / 'edgeq_runtime')}" for p in (ROOT / "edgeq_runtime" / "csrc").rglob("*.def")}
    held = set(names(wheels.runtime))
    assert lists and lists | set(BUILT) <= held
    assert held.isdisjoint({f"edgeq_runtime/{name}.py" for name in ("build", "firmware", "rp2040", "setup", "stack", "toolchain")})
    assert not [name for name in held if not name.startswith("edgeq_runtime")]


def test_the_host_wheel_holds_every_board_module_and_agent(wheels: Wheels) -> None:
    boards = {f"edgeq_boards/{p.relative_to(ROOT / 'boards')}" for p in (ROOT / "boards").rglob("*.toml")}
    # every file of the package: what is read at run time (bootstrap.sh, device_program.py) too
    modules = {str(p.relative_to(ROOT)) for p in (ROOT / "edgeq_host").rglob("*") if p.is_file() and p.suffix != ".pyc"}
    held = {name for name in names(wheels.host) if ".dist-info/" not in name}
    files = {f"edgeq_agents/{name}" for name in (*AGENTS, agents.SUMS)}
    assert boards and held == boards | modules | files


def test_installed_agents_are_found_as_they_were_recorded_and_can_be_started(installed: Installed) -> None:
    found = "import os; from edgeq_host import agents as a; found = [f(m).path for f in (a.find, a.find_library) for m in a.ARCHES]"
    assert installed("python", "-c", f"{found}; print([os.access(path, os.X_OK) for path in found])") == f"{[True] * len(AGENTS)}\n"
    code = "from edgeq_host import agents; print(agents.FOLDER)"
    assert installed("python", "-c", code) == f"{package_folder(installed) / 'edgeq_agents'}\n"


def test_a_damaged_agent_in_the_package_is_named_with_the_remedy(installed: Installed) -> None:
    agent = package_folder(installed) / "edgeq_agents" / "armv7" / agents.AGENT
    whole = agent.read_bytes()
    agent.write_bytes(whole[:-1])
    code = """
from edgeq_host import agents, errors
try:
    agents.find("armv7l")
except errors.UsageError as error:
    print(error.message, error.hint)
"""
    said = installed("python", "-c", code)
    agent.write_bytes(whole)
    assert "is damaged" in said and "pip install --force-reinstall edgeq" in said


def test_there_is_no_network_while_it_works(installed: Installed) -> None:
    if not without_network():
        pytest.skip("namespaces for networks are forbidden: this does not run here")
    code = "import socket\ntry: socket.create_connection(('127.0.0.1', 1), 1)\nexcept OSError as error: print(error.strerror)"
    assert installed("python", "-c", code) == "Network is unreachable\n"


def test_libraries_are_executable_once_installed(installed: Installed) -> None:
    for name in BUILT:
        assert os.access(package_folder(installed) / name, os.X_OK), name


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


def test_every_wheel_brings_the_licence_of_what_is_compiled_into_it(wheels: Wheels) -> None:
    for wheel in (wheels.host, wheels.runtime):
        held = [name for name in names(wheel) if "/licenses/" in name]
        assert any(name.endswith("monocypher/LICENSE.txt") for name in held) and any(name.endswith("licenses/LICENSE") for name in held)
