"""The name that a file gives its model: one that the store takes, whatever the file is called."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edgeq_host.produce import model_name

STORE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")  # SPEC.md 5.1
NAMES = [
    ("net.onnx", "net"),
    ("kws v2 (final).tflite", "kws-v2--final-"),
    ("..hidden.onnx", "hidden"),
    ("_-net.onnx", "net"),
    ("été.onnx", "t-"),
    ("___.onnx", "model"),
    ("a" * 63 + ".onnx", "a" * 63),
    ("a" * 64 + ".onnx", "a" * 63),
    ("-" + "b" * 80 + ".onnx", "b" * 63),
]


@pytest.mark.parametrize(("file", "name"), NAMES)
def test_a_file_gives_a_name_that_the_store_takes(file: str, name: str) -> None:
    assert model_name(Path(file)) == name
    assert STORE.fullmatch(name)
