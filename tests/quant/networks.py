"""Real networks with data for calibration and, apart from it, for scoring. Pictures: the left 60 % calibrate, the rest scores."""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from edgeq_host.data import Data, Sample
from edgeq_host.graph import Array, Graph
from edgeq_runtime.rounding import unpack_rq

PICTURES = ("cat.bmp", "parrot.jpg", "grace_hopper.bmp")
CALIBRATE, SCORE = 96, 24
SPLIT = 0.6


@dataclass(frozen=True)
class Network:
    """`inputs(assets, scoring)`: arrays in the layout of the model's input."""

    file: str
    title: str
    inputs: Callable[[Path, bool], list[Array]]


def data(inputs: list[Array], labels: Array | None = None) -> Data:
    def samples() -> Iterator[Sample]:
        for i, x in enumerate(inputs):
            yield Sample([x], None if labels is None else np.asarray(labels[i]))

    return Data(None, len(inputs), labels is not None, samples)


def crops(height: int, width: int, mean: float, std: float, nchw: bool = False) -> Callable[[Path, bool], list[Array]]:
    """Parts of the pictures at seeded places and sizes, half of them mirrored, as (RGB - mean) / std."""

    def inputs(assets: Path, scoring: bool) -> list[Array]:
        random = np.random.default_rng(2 if scoring else 1)
        pictures = [Image.open(assets / "data" / name).convert("RGB") for name in PICTURES]
        sides = [(SPLIT * p.width, p.width) if scoring else (0, SPLIT * p.width) for p in pictures]
        found = []
        for i in range(SCORE if scoring else CALIBRATE):
            picture, (left, right) = pictures[i % len(pictures)], sides[i % len(pictures)]
            factor = min((right - left) / width, picture.height / height) * random.uniform(0.5, 1)
            x, y = random.uniform(left, right - width * factor), random.uniform(0, picture.height - height * factor)
            box = (x, y, min(x + width * factor, picture.width), min(y + height * factor, picture.height))
            pixels = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR, box))
            pixels = pixels[:, ::-1] if random.random() < 0.5 else pixels
            real = ((pixels.astype(np.float32) - np.float32(mean)) / np.float32(std))[None]
            found.append(np.ascontiguousarray(np.transpose(real, (0, 3, 1, 2)) if nchw else real))
        return found

    return inputs


def log_mel(assets: Path, scoring: bool) -> list[Array]:
    """Windows of 5 frames x 128 mel bands, in decibel, of a recording at 16 kHz: what the anomaly detector reads."""
    with wave.open(str(assets / "data" / "silero_test.wav")) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64) / 32768
    frames = np.lib.stride_tricks.sliding_window_view(sound, 1024)[::512] * np.hanning(1024)
    power = np.abs(np.fft.rfft(frames)) ** 2 @ _mel_bands(128, 1024, 16000).T
    bands = (10 * np.log10(power + 1e-10)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(bands, 5, axis=0).transpose(0, 2, 1).reshape(-1, 640)
    middle = int(SPLIT * len(windows))
    part, count = (windows[middle + 5 :], SCORE) if scoring else (windows[:middle], CALIBRATE)
    return [np.ascontiguousarray(row[None]) for row in part[np.linspace(0, len(part) - 1, count).astype(int)]]


def _mel_bands(count: int, size: int, rate: int) -> Array:
    """Triangles, equally wide on the mel scale."""
    top = 2595 * np.log10(1 + rate / 2 / 700)
    centres = 700 * (10 ** (np.linspace(0, top, count + 2) / 2595) - 1)
    places = np.fft.rfftfreq(size, 1 / rate)
    up = (places - centres[:-2, None]) / (centres[1:-1] - centres[:-2])[:, None]
    down = (centres[2:, None] - places) / (centres[2:] - centres[1:-1])[:, None]
    return np.maximum(0, np.minimum(up, down))


NETWORKS = (
    Network("vww_96_float.tflite", "Visual wake words", crops(96, 96, 0, 255)),
    Network("pretrainedResnet.tflite", "ResNet-8", crops(32, 32, 0, 1)),
    Network("ad01_fp32.tflite", "Anomaly detection", log_mel),
    Network("mobilenet_v1_0.25_224_1_default_1.tflite", "MobileNetV1 0.25", crops(224, 224, 127.5, 127.5)),
    Network("blazeface_exported.onnx", "BlazeFace", crops(128, 128, 127.5, 127.5, nchw=True)),
    Network("version-RFB-320_simplified.onnx", "UltraFace", crops(240, 320, 127, 128, nchw=True)),
)


def keyword_spotting(assets: Path) -> tuple[list[Array], Array]:
    held = np.load(assets / "data" / "kws01_even500.npz")
    return [((q.astype(np.float32) - 83) * np.float32(0.5847029))[None] for q in held["mfcc_int8"]], held["label"]


def mnist(assets: Path) -> tuple[list[Array], Array]:
    held = np.load(assets / "data" / "mnist_test_even5000.npz")
    return [(image.astype(np.float32) / np.float32(255))[None, ..., None] for image in held["x"]], held["y"]


def tenths(inputs: list[Array], labels: Array) -> tuple[list[list[Array]], Data]:
    """Every tenth sample calibrates, the rest scores."""
    rest = [i for i in range(len(inputs)) if i % 10]
    return [[x] for x in inputs[::10]], data([inputs[i] for i in rest], labels[rest])


LAYERS = ("conv2d", "depthwise_conv2d", "transpose_conv2d", "fully_connected")


def with_int8_weights(graph: Graph, found: Graph) -> Graph:
    """The float graph with the weights and biases that the quantized graph has: what quantizing activations adds is missing."""
    mixed, layers = graph.copy(), {n.name: n for n in graph.nodes}
    for node in found.nodes:
        if node.op.rpartition("_")[0] in LAYERS and node.name in layers and layers[node.name].op != "matmul_f32":
            x, weight, blob = (found.tensors[name] for name in node.inputs)
            assert x.quant is not None and weight.quant is not None and blob.data is not None
            bias = unpack_rq(blob.data)[0] * x.quant.scale[0] * weight.quant.scale
            for name, values in zip(layers[node.name].inputs[1:], (weight.real(), bias.astype(np.float32)), strict=True):
                mixed.tensors[name] = replace(graph.tensors[name], dtype="f32", data=values, quant=None)
    return mixed
