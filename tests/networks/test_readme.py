"""The sizes in README.md are those that are made."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edgeq_host.produce import Source, produce
from tests.networks import hashes

DIGITS = hashes.ROOT / "examples" / "digits"
NETWORKS = {
    "keyword spotting": "kws_ref_model.tflite",
    "visual wake words": "vww_96_int8.tflite",
    "image classification": "pretrainedResnet_quant.tflite",
    "anomaly detection": "ad01_int8.tflite",
}


def _row(network: str) -> tuple[int, str]:
    """Bytes of the file, and how they compare with the .tflite."""
    text = (hashes.ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"^\| {network}[^|]*\|[^|]*\| ([\d,]+) B \| ([^|]*)\|", text, re.MULTILINE)
    assert found, f"README.md has no row for {network}"
    return int(found[1].replace(",", "")), found[2].strip()


@pytest.mark.parametrize("network", NETWORKS)
def test_a_network_has_the_size_of_the_page_of_hashes(assets: Path, network: str) -> None:
    size = hashes.sizes()[NETWORKS[network], "int8"]
    source = (assets / "models" / NETWORKS[network]).stat().st_size
    assert _row(network) == (size, f"{size / source:.2f}x")


def test_the_digits_have_the_size_that_their_files_make() -> None:
    source = Source(DIGITS / "digits.onnx", calibration=str(DIGITS / "calibration.npz"), score=str(DIGITS / "test.npz"), name="digits")
    assert _row("digits") == (len(produce(source).data), "")
