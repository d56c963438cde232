"""What `run` and `eval` take beside float arrays: images, and integers that are quantized already."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edgeq_host
from edgeq_host.errors import ModelError
from edgeq_runtime import native
from tests.cli.conftest import DIGITS, Edgeq

TEST, MODEL = DIGITS / "test.npz", DIGITS / "digits.onnx"
RECIPE = '[[input]]\nkind = "image"\nchannels = "gray"\nscale = 0.00392156862745098\n'


def frames(name: str) -> np.ndarray:
    """The digits as raw gray images."""
    return np.round(np.load(DIGITS / name)["x"].reshape(-1, 8, 8, 1) * 255).astype(np.uint8)


@pytest.fixture
def camera(edgeq: Edgeq) -> Path:
    """A model that takes raw frames."""
    Path("r.toml").write_text(RECIPE)
    np.savez("frames.npz", x=frames("calibration.npz"))
    made = edgeq("quantize", MODEL, "--calibration", "frames.npz", "--recipe", "r.toml", "-o", "camera.eqm")
    assert made.code == 0, made.err
    return Path("camera.eqm")


def test_run_takes_an_image_as_eval_takes_a_folder_of_them(edgeq: Edgeq, camera: Path) -> None:
    frame = frames("test.npz")[:1]
    np.save("x.npy", frame)
    Image.fromarray(frame[0, :, :, 0]).save("x.png")
    Image.fromarray(frame[0, :, :, 0]).resize((16, 16), Image.Resampling.NEAREST).save("large.bmp")
    edgeq("deploy", camera, "-b", "local")
    for words in ((camera,), (camera, "-b", "local"), ("camera", "-b", "local")):
        for source in ("x.npy", "x.png"):
            assert edgeq("run", *words, "-i", source, "-o", f"{source}.y.npy").code == 0
        assert np.array_equal(np.load("x.npy.y.npy"), np.load("x.png.y.npy"))
    resized = np.asarray(Image.open("large.bmp").resize((8, 8), Image.Resampling.BILINEAR))
    assert edgeq("run", camera, "-i", "large.bmp", "-o", "y.npy").code == 0
    assert np.array_equal(np.load("y.npy"), native.Model(str(camera)).run(resized.reshape(1, 8, 8, 1)))


def test_an_image_for_a_model_that_takes_none_says_so(edgeq: Edgeq, packed: Path) -> None:
    Image.new("L", (8, 8)).save("x.png")
    refused = edgeq("run", packed, "-i", "x.png")
    assert refused.code == 2 and "input image takes no images" in refused.err and 'kind = "image"' in refused.err.replace("'", '"')


def test_what_is_no_array_is_called_that(edgeq: Edgeq, packed: Path, camera: Path) -> None:
    Path("x.txt").write_text("1 2 3")
    Path("x.png").write_text("no image")
    np.savez("x.npz", x=np.zeros(1))
    np.save("objects.npy", np.array([{}], object), allow_pickle=True)
    for model, name, text in (
        (packed, "x.txt", "x.txt is no .npy file"),
        (camera, "x.png", "x.png is not a readable image"),
        (packed, "x.npz", "x.npz is an archive"),
        (packed, "objects.npy", "holds Python objects"),
    ):
        refused = edgeq("run", model, "-i", name)
        assert refused.code == 3 and text in refused.err and "pickle" not in refused.err


def test_eval_takes_int8_that_is_quantized_already_as_run_does(edgeq: Edgeq, packed: Path) -> None:
    x, y = np.load(TEST)["x"], np.load(TEST)["y"]
    edge = native.Model(str(packed)).inputs[0]
    q = np.clip(np.floor(x / np.float32(edge.scale) + 0.5) + edge.zero, -128, 127).astype(np.int8)
    np.savez("q.npz", x=q, y=y)
    edgeq("deploy", packed, "-b", "local")
    wanted = edgeq("eval", packed, "--data", TEST, "--json").json["top1"]
    for words in ((packed,), ("digits", "-b", "local")):
        assert edgeq("eval", *words, "--data", "q.npz", "--json").json["top1"] == wanted
    assert edgeq_host.evaluate(packed, (q, y)).value == wanted
    compared = edgeq("eval", packed, "--data", "q.npz", "--reference", MODEL, "--json").json  # the reference gets real values
    assert compared["agreement"] == 1 and compared["sqnr_db"][0] > 30


def test_calibration_with_quantized_integers_says_what_to_give_instead(edgeq: Edgeq) -> None:
    np.savez("q.npz", x=np.zeros((8, 1, 8, 8), np.int8))
    refused = edgeq("quantize", MODEL, "--calibration", "q.npz", "-o", "z.eqm")
    assert refused.code == 3 and "x is int8" in refused.err and "the real values that the integers stand for" in refused.err
    with pytest.raises(ModelError, match="samples are int8"):
        edgeq_host.quantize(MODEL, np.zeros((8, 1, 8, 8), np.int8))
