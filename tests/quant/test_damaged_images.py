"""Damaged and hostile image files: read or refused with what to do, and no decoder is asked that runs programs."""

from __future__ import annotations

import io
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from edgeq_host.errors import EdgeqError
from edgeq_host.images import image_reader
from edgeq_host.recipe import Input, Recipe

READERS = [image_reader("in", (1, 8, 8, 3), "u8", Recipe(input=(Input("image", resize=rule),))) for rule in ("stretch", "crop")]
PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (6, 5, 3)).astype(np.uint8))
KINDS = {"BMP": ".bmp", "GIF": ".jpg", "JPEG": ".jpg", "PNG": ".png", "PPM": ".ppm", "WEBP": ".jpeg"}
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"


def picture(kind: str) -> bytes:
    out = io.BytesIO()
    PICTURE.save(out, kind)
    return out.getvalue()


def refused(path: Path, data: bytes) -> bool:
    """Whether the file is refused; any other exception fails the test."""
    path.write_bytes(data)
    try:
        assert all(read(path).shape == (1, 8, 8, 3) for read in READERS)
    except EdgeqError as error:
        assert error.message.startswith(f"{path} is not a readable image: ") and error.hint and error.code == 3
        return True
    return False


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_byte_or_an_early_end_is_read_or_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)  # else damaged sizes within the bound take long
    data = picture(kind)
    path = tmp_path / f"a{KINDS[kind]}"
    assert not refused(path, data)
    bad = [data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :] for at in range(len(data)) for bits in (0xFF, 0x55, 0x02)]
    found = Counter(refused(path, b) for b in [*bad, *(data[:size] for size in range(len(data)))])
    assert found[True] > 100 and found[False] > 10, found


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_postscript_with_the_suffix_of_an_image_starts_no_program(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)
    assert refused(tmp_path / f"a{suffix}", EPS)
    assert not (tmp_path / "started").exists()
