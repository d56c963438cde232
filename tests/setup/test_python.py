"""devices setup --python: an application on the device imports edgeq_runtime with nothing but python3, or nothing was changed."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import edgeq_runtime
from edgeq_host import agents
from edgeq_host.errors import BoardError, UsageError
from edgeq_host.setup import payload, python, session
from edgeq_host.setup.python import _checked
from tests.agent.conftest import packed, sample
from tests.packaging.test_oldest_python import oldest
from tests.setup.conftest import Device

GOOD: dict[str, Any] = {
    "python": "3.11.2",
    "bits": 64,
    "machine": "aarch64",
    "libc": "glibc 2.36",
    "used": True,
    "foreign": False,
    "folder": "f",
}


def run(device: Device, code: str) -> str:
    done = subprocess.run([device.python, "-c", code], capture_output=True, text=True, cwd=device.home)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def names(device: Device) -> set[str]:
    return {path.name for path in device.packages.iterdir()} if device.packages.exists() else set()


def test_an_application_imports_it_and_computes_the_integers_of_the_host(device: Device) -> None:
    done = python.install(device.target, device.python)
    assert done.changed and done.version == edgeq_runtime.__version__ and "portable" in done.isas
    (device.home / "m.eqm").write_bytes(packed(1))
    code = "import edgeq_runtime, array; m = edgeq_runtime.open('m.eqm'); y = m.run(array.array('f', [-3 + 6 * i / 63 for i in range(64)]))"
    got = run(
        device, f"{code}; print([float(y[0][i]) if hasattr(y[0], '__len__') else float(y[0, i]) for i in range(8)], edgeq_runtime.__file__)"
    )
    assert str(device.packages) in got
    expected = edgeq_runtime.open(str(device.home / "m.eqm")).run(sample())
    assert got.startswith(str([float(v) for v in expected[0]]))
    agent = subprocess.run([device.home / ".local/bin/edgeq-agent", "--version"], capture_output=True, text=True)
    assert agent.stdout.startswith("edgeq-agent ")


def test_every_header_that_arrives_finds_what_it_includes(device: Device, tmp_path: Path) -> None:
    python.install(device.target, device.python)
    folder = Path(run(device, "import edgeq_runtime; print(edgeq_runtime.include_dir())"))
    for name in payload.HEADERS:
        source = tmp_path / "one.c"
        source.write_text(f'#include "{name.partition("/")[2]}"\n')
        subprocess.run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{folder}", "-fsyntax-only", source], check=True)


def test_the_same_again_changes_and_sends_nothing(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    python.install(device.target, device.python)
    before = {path: path.stat().st_mtime_ns for path in device.packages.rglob("*") if "__pycache__" not in str(path)}
    sent: list[int] = []
    order = session.PythonSession.order
    monkeypatch.setattr(
        session.PythonSession, "order", lambda self, name, data=b"", **f: sent.append(len(data)) or order(self, name, data, **f)
    )
    assert not python.install(device.target, device.python).changed and sent == [0, 0]
    assert {path: path.stat().st_mtime_ns for path in device.packages.rglob("*") if "__pycache__" not in str(path)} == before


def test_a_new_version_takes_the_place_of_the_old_and_leaves_nothing(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    python.install(device.target, device.python)
    old = os.readlink(device.packages / "edgeq_runtime")
    monkeypatch.setattr(payload, "HEADERS", payload.HEADERS[1:])
    assert python.install(device.target, device.python).changed
    assert os.readlink(device.packages / "edgeq_runtime") != old and old not in names(device) and len(names(device)) == 2
    assert python.remove(device.target, device.python).changed and names(device) == set()
    assert not (device.home / ".local/bin/edgeq-agent").is_symlink()
    assert not python.remove(device.target, device.python).changed


@pytest.mark.parametrize("before", [True, False])
def test_files_that_cannot_be_imported_leave_what_was_there(
    device: Device, device_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    if before:
        python.install(device.target, device.python)
    was = names(device)
    monkeypatch.setattr(payload, "MODULES", tuple(name for name in payload.MODULES if name != "abi.py"))
    with pytest.raises(BoardError, match="cannot import name 'abi'"):
        python.install(device.target, device.python)
    assert names(device) == was
    if before:
        assert run(device, "import edgeq_runtime; print(edgeq_runtime.__version__)") == edgeq_runtime.__version__


def test_bytes_that_arrive_damaged_are_refused(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    order = session.PythonSession.order
    monkeypatch.setattr(
        session.PythonSession, "order", lambda self, name, data=b"", **f: order(self, name, data.replace(b"run", b"rum"), **f)
    )
    with pytest.raises(BoardError, match="arrived damaged"):
        python.install(device.target, device.python)
    assert "edgeq_runtime" not in names(device)


@pytest.mark.parametrize("name", ["../../escaped", "/tmp/escaped"])
def test_no_name_leaves_the_package(device: Device, name: str) -> None:
    data = b"x"
    files = [(name, 1, 0o644, "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881")]
    with session.PythonSession(device.target, device.python) as there, pytest.raises(BoardError, match="arrived damaged"):
        there.order("install", data, id="x", files=files)
    assert not Path("/tmp/escaped").exists() and not list(device.home.rglob("escaped"))


def test_what_pip_has_installed_is_left_alone(device: Device) -> None:
    (device.packages / "edgeq_runtime").mkdir(parents=True)
    with pytest.raises(BoardError, match="was installed by somebody else") as info:
        python.install(device.target, device.python)
    assert "pip uninstall" in info.value.hint and names(device) == {"edgeq_runtime"}


def test_a_folder_that_cannot_be_written_is_named(device: Device) -> None:
    device.packages.parent.mkdir(parents=True)
    device.packages.write_text("a file")
    with pytest.raises(BoardError, match="site-packages"):
        python.install(device.target, device.python)


def test_a_device_without_python_is_told(device: Device) -> None:
    with pytest.raises(BoardError, match="there is no python9") as info:
        python.install(device.target, "python9")
    assert "--interpreter" in info.value.hint


@pytest.mark.parametrize(
    ("program", "text"), [("false", "ended with code 1"), ("echo", "ended with code 0: -u -c"), ("/etc/passwd", "code 126")]
)
def test_a_program_that_is_no_python_is_told(device: Device, program: str, text: str) -> None:
    with pytest.raises(BoardError, match=text) as info:
        python.install(device.target, program)
    assert program in info.value.message and "--interpreter" in info.value.hint


def test_a_python_that_is_too_old_says_which_it_is(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "OLDEST_PYTHON", (sys.version_info[0], sys.version_info[1] + 1))
    wanted = f"its Python is {platform.python_version()}, {sys.version_info[0]}.{sys.version_info[1] + 1} or newer is needed"
    with pytest.raises(BoardError, match=wanted) as info:
        python.install(device.target, device.python)
    assert "--interpreter" in info.value.hint and not names(device)


@pytest.mark.parametrize("program", ["", " ", "python3\n"])
def test_a_name_that_is_no_program_is_an_error_of_usage(device: Device, program: str) -> None:
    with pytest.raises(UsageError):
        python.install(device.target, program)


@pytest.mark.slow
def test_the_oldest_python_at_hand_takes_it_too(device: Device) -> None:
    python_ = oldest("array")
    done = python.install(device.target, python_)
    found = subprocess.run([python_, "-c", "import edgeq_runtime; print(edgeq_runtime.__file__)"], capture_output=True, text=True, cwd="/")
    assert found.stdout.strip() == done.path and str(device.home) in done.path
    assert python.remove(device.target, python_).changed


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"libc": "glibc 2.12"}, "its C library is glibc 2.12, glibc 2.17 or newer is needed"),
        ({"libc": ""}, "its C library is not glibc"),
        ({"libc": "musl 1.2"}, "its C library is musl 1.2"),
        ({"used": False}, "does not look into f"),
        ({"machine": "riscv64"}, "riscv64"),
        ({"machine": "x86_64", "bits": 32}, "a 32-bit Python on x86_64"),
    ],
)
def test_what_cannot_work_is_refused_before_a_byte_is_sent(facts: dict[str, Any], text: str) -> None:
    with pytest.raises(BoardError, match=text) as info:
        _checked("bench", {**GOOD, **facts})
    assert info.value.hint


def test_the_library_fits_the_python_and_not_the_kernel() -> None:
    assert _checked("bench", GOOD) == "aarch64"
    assert _checked("bench", {**GOOD, "bits": 32}) == "armv7" == _checked("bench", {**GOOD, "machine": "armv7l", "bits": 32})
    assert {_checked("b", {**GOOD, "machine": m}) for m in ("x86_64", "arm64")} <= set(agents.ARCHES)
