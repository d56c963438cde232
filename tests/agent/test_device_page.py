"""The C program of docs/device.md, built as the page says, runs what is installed and takes what replaces it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import edgeq_runtime
from edgeq_host import deploy as d
from edgeq_runtime import build, native
from tests.agent.conftest import Local, packed

PAGE = Path(__file__).parents[2] / "docs" / "device.md"
X = (np.arange(64, dtype=np.float32) / 32 - 1).reshape(1, 64)


def block(language: str) -> str:
    """The last block of the page in a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[-1]


def build_page(folder: Path, include: str, library: str) -> Path:
    """With the command of the page; beyond it, no warning is let pass."""
    (folder / "app.c").write_text(block("c"), encoding="utf-8")
    command = block("sh").strip().splitlines()[-1].replace("cc ", f"{build.default_cc()} -std=c11 -Wall -Wextra -Wconversion -Werror ", 1)
    subprocess.run(["sh", "-ec", command], cwd=folder, env={"include": include, "library": library, "PATH": "/usr/bin:/bin"}, check=True)
    return folder / "app"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    build.build("lib", build.config_for("lib", None, False))
    return build_page(tmp_path, edgeq_runtime.include_dir(), edgeq_runtime.library_dir())


def expected(version: int, data: bytes) -> str:
    return f"version {version}: {float(native.Model(data).run(X)[0, 0]).hex()}"


def test_the_page_s_program_runs_the_current_version_and_refreshes(local: Local, app: Path) -> None:
    first, second, other = packed(1), packed(2), packed(3)
    d.deploy(local.board, local.file("kws", first))
    with subprocess.Popen([app, "kws"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdin is not None and process.stdout is not None

        def run() -> str:
            process.stdin.write("\n")
            version, value = process.stdout.readline().split(": ")
            return f"{version}: {float.fromhex(value).hex()}"

        assert [run(), run()] == [expected(1, first)] * 2
        d.deploy(local.board, local.file("kws", second))
        assert run() == expected(2, second)
        d.rollback(local.board, "kws")
        assert run() == expected(1, first)
        d.remove(local.board, "kws")
        assert run() == expected(1, first)
        d.deploy(local.board, local.file("kws", other))
        assert run() == expected(1, other)
        process.stdin.close()
        assert process.wait(10) == 0
    assert expected(1, first) != expected(1, other)


def test_the_page_s_program_says_what_is_missing(local: Local, app: Path) -> None:
    done = subprocess.run([app, "nothing"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and done.stderr == "nothing: the device has no such model or version\n"


def test_a_followed_model_that_was_removed_and_deployed_anew_is_taken(local: Local) -> None:
    """Version 1 in both cases."""
    first, second = packed(1), packed(2)
    d.deploy(local.board, local.file("kws", first))
    model, following = edgeq_runtime.open("kws"), edgeq_runtime.open("kws", follow=True)
    d.remove(local.board, "kws")
    d.deploy(local.board, local.file("kws", second))
    assert np.array_equal(model.run(X), native.Model(first).run(X)) and np.array_equal(following.run(X), native.Model(second).run(X))
    assert model.refresh() and model.version == 1 and not model.refresh()
    assert np.array_equal(model.run(X), native.Model(second).run(X))
