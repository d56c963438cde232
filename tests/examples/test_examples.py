"""The examples as a user runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

FOLDER = Path(__file__).parents[2] / "examples"
DIGITS = FOLDER / "digits"
CLOSE = 0.01  # what another CPU type or another version of torch may change of the accuracy


def run(script: str, *arguments: object, **environment: str) -> str:
    command = [sys.executable, str(FOLDER / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def accuracy(model: Path) -> float:
    with np.load(DIGITS / "test.npz") as data:
        x, y = data["x"], data["y"]
    session = onnxruntime.InferenceSession(model.read_bytes())
    name = session.get_inputs()[0].name
    return float(np.mean([session.run(None, {name: image[None]})[0].argmax() == label for image, label in zip(x, y, strict=True)]))


def test_every_example_is_in_a_test_and_in_the_list_of_examples() -> None:
    names = sorted(path.name for path in FOLDER.iterdir() if path.is_file() and path.name != "README.md")
    assert [name[:2] for name in names] == [f"{i:02}" for i in range(1, len(names) + 1)]
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name in names:
        assert f'"{name}"' in tests, f"{name} is run by no test"
        assert f"[{name}]({name})" in page, f"{name} is not in examples/README.md"


@pytest.mark.slow
def test_the_way_of_the_digits_ends_with_the_image_s_digit(tmp_path: Path) -> None:
    shown = run("02_digits_end_to_end.py", TMPDIR=str(tmp_path))
    with np.load(DIGITS / "test.npz") as data:
        assert f"the image shows a {data['y'][0]}" in shown
    for command in ("check", "quantize", "inspect", "plan", "deploy", "eval", "run", "profile", "status"):
        assert f"$ edgeq {command}" in shown


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    run("01_train_digits.py", "--out", folder)
    return folder


@pytest.mark.exhaustive
def test_training_again_gives_the_same_data_and_a_network_as_good(trained: Path) -> None:
    for name in ("calibration.npz", "test.npz"):
        with np.load(trained / name) as new, np.load(DIGITS / name) as kept:
            assert sorted(new.files) == sorted(kept.files)
            assert all(np.array_equal(new[key], kept[key]) for key in kept.files)
    names = sorted(path.name for path in (DIGITS / "frames").iterdir())
    assert names == sorted(path.name for path in (trained / "frames").iterdir())
    assert all((trained / "frames" / name).read_bytes() == (DIGITS / "frames" / name).read_bytes() for name in names)
    again, kept_accuracy = accuracy(trained / "digits.onnx"), accuracy(DIGITS / "digits.onnx")
    assert again >= 0.98 and abs(again - kept_accuracy) <= CLOSE, f"{again:.4f}, the kept network has {kept_accuracy:.4f}"


@pytest.mark.exhaustive
def test_training_twice_on_one_machine_gives_the_same_bytes(trained: Path, tmp_path: Path) -> None:
    run("01_train_digits.py", "--out", tmp_path)
    assert (tmp_path / "digits.onnx").read_bytes() == (trained / "digits.onnx").read_bytes()


@pytest.mark.exhaustive
def test_the_trained_network_is_the_kept_one_but_for_its_numbers(trained: Path) -> None:
    def shape(path: Path) -> tuple[list[str], list[tuple[str, list[int]]]]:
        graph = onnx.load(path).graph
        return [node.op_type for node in graph.node], [(t.name, list(t.dims)) for t in graph.initializer]

    assert shape(trained / "digits.onnx") == shape(DIGITS / "digits.onnx")
