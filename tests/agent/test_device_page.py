"""The C program of docs/device.md, built as the page says, runs what is installed and takes what replaces it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import edgeq_host
import edgeq_runtime
from edgeq_host import deploy as d
from edgeq_host.export import Bundle, Variant, to_bytes
from edgeq_host.selftest import make
from edgeq_runtime import build, native
from tests.agent.conftest import Local, network, packed, sample

PAGE = Path(__file__).parents[2] / "docs" / "device.md"
DIGITS = Path(__file__).parents[2] / "examples" / "digits"
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


def expected(version: int, data: bytes, x: np.ndarray = X) -> list[str]:
    return [f"version {version}:", *(float(v).hex() for v in native.Model(data).run(x).reshape(-1))]


def told(line: str) -> list[str]:
    words = line.split()
    return [" ".join(words[:2]), *(float.fromhex(word).hex() for word in words[2:])]


def test_the_page_s_program_runs_the_current_version_and_refreshes(local: Local, app: Path) -> None:
    first, second, other = packed(1), packed(2), packed(3)
    d.deploy(local.target, local.file("kws", first))
    with subprocess.Popen([app, "kws"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdin is not None and process.stdout is not None

        def run() -> list[str]:
            process.stdin.write("\n")
            return told(process.stdout.readline())

        assert [run(), run()] == [expected(1, first)] * 2
        d.deploy(local.target, local.file("kws", second))
        assert run() == expected(2, second)
        d.rollback(local.target, "kws")
        assert run() == expected(1, first)
        d.remove(local.target, "kws")
        assert run() == expected(1, first)
        d.deploy(local.target, local.file("kws", other))
        assert run() == expected(1, other)
        process.stdin.close()
        assert process.wait(10) == 0
    assert expected(1, first) != expected(1, other)


def test_the_page_s_program_runs_the_model_of_the_examples(local: Local, app: Path) -> None:
    """Four axes in, ten values out."""
    data = edgeq_host.quantize(DIGITS / "digits.onnx", DIGITS / "calibration.npz").data
    d.deploy(local.target, local.file("digits", data))
    done = subprocess.run([app, "digits"], input="\n", capture_output=True, text=True, check=True)
    assert told(done.stdout) == expected(1, data, X.reshape(native.Model(data).inputs[0].shape)) and len(told(done.stdout)) == 11
    assert done.stderr == ""


def test_the_page_s_program_refuses_a_model_that_it_is_not_made_for(local: Local, app: Path) -> None:
    """An output of int8: nothing is printed as if it were a result."""
    graph = network(1)
    graph = replace(graph, outputs=[replace(graph.outputs[0], dtype="s8")])
    data = to_bytes(Bundle(graph.name, [Variant("int8", graph, make(graph, [sample()]))]))
    d.deploy(local.target, local.file("other", data))
    done = subprocess.run([app, "other"], input="\n", capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == "" and done.stderr.startswith("other: ") and done.stderr.count("\n") == 1


def test_the_page_s_program_says_what_is_missing(local: Local, app: Path) -> None:
    done = subprocess.run([app, "nothing"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and done.stderr == "nothing: the device has no such model or version\n"


def test_a_followed_model_that_was_removed_and_deployed_anew_is_taken(local: Local) -> None:
    """Version 1 in both cases."""
    first, second = packed(1), packed(2)
    d.deploy(local.target, local.file("kws", first))
    model, following = edgeq_runtime.open("kws"), edgeq_runtime.open("kws", follow=True)
    d.remove(local.target, "kws")
    d.deploy(local.target, local.file("kws", second))
    assert np.array_equal(model.run(X), native.Model(first).run(X)) and np.array_equal(following.run(X), native.Model(second).run(X))
    assert model.refresh() and model.version == 1 and not model.refresh()
    assert np.array_equal(model.run(X), native.Model(second).run(X))


def test_a_model_that_is_told_to_follow_goes_on_following_with_its_threads(local: Local) -> None:
    d.deploy(local.target, local.file("kws", packed(1)))
    model = edgeq_runtime.open("kws", threads=2)
    model.follow = True
    for version, seed in ((2, 2), (3, 3)):
        data = packed(seed)
        d.deploy(local.target, local.file("kws", data))
        assert np.array_equal(model.run(X), native.Model(data).run(X))
        assert (model.version, model.follow, model._threads.count) == (version, True, 2)
    model.follow = False
    d.deploy(local.target, local.file("kws", packed(4)))
    assert model.refresh() and not model.follow
    d.rollback(local.target, "kws")
    model.run(X)
    assert model.version == 4


def test_a_model_that_follows_takes_no_version_with_other_inputs(local: Local) -> None:
    first, other = packed(1), packed(2, size=32)
    d.deploy(local.target, local.file("kws", first))
    model, plain = edgeq_runtime.open("kws", follow=True), edgeq_runtime.open("kws")
    d.deploy(local.target, local.file("kws", other))
    for _ in range(2):
        with pytest.raises(edgeq_runtime.Error, match=r"kws version 2 has f32 1x32 -> f32 1x8, version 1 has f32 1x64 -> f32 1x8"):
            model.run(X)
        assert model.version == 1
    assert plain.refresh() and plain.version == 2, "an application that asks for it gets it"
    model.follow = False
    assert np.array_equal(model.run(X), native.Model(first).run(X))
    model.follow = True
    d.rollback(local.target, "kws")
    assert np.array_equal(model.run(X), native.Model(first).run(X))
    d.rollback(local.target, "kws")
    model.follow = False
    assert model.refresh() and model.version == 2


def test_a_folder_of_the_name_does_not_hide_an_installed_model(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    d.deploy(local.target, local.file("kws", packed(1)))
    (local.folder / "kws").mkdir()
    monkeypatch.chdir(local.folder)
    assert edgeq_runtime.open("kws").version == 1
