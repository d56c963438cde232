"""int8 TFLite files and TFLite's reference kernels side by side, and the page that says how near they are."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from edgeq_host.graph import Graph
from edgeq_host.importers import load
from edgeq_host.quant import quantize_reported
from edgeq_host.recipe import Recipe
from edgeq_host.session import Session
from tests.importers.tflite_writer import bias_axis_repaired, interpreter, witness
from tests.quant.accuracy import ROOT, assets_or_exit
from tests.quant.tflite_layers import LAYERS, Layer, alone

MODELS = {  # convolutions, depthwise and fully-connected layers
    "kws_ref_model": 10,
    "vww_96_int8": 28,
    "pretrainedResnet_quant": 10,
    "ad01_int8": 10,
    "person_detect": 28,
    "mnist_valid_q": 4,
    "mobilenet_v2_quantized_1x3x224x224": 53,
}
LABELLED = ["kws_ref_model", "mnist_valid_q"]
PICTURES = ["vww_96_int8", "person_detect", "pretrainedResnet_quant", "mobilenet_v2_quantized_1x3x224x224"]
DECIDE = LABELLED + PICTURES
PAGE = ROOT / "docs" / "tflite-int8.md"
Array = np.ndarray[Any, Any]


def quantized(assets: Path, name: str) -> Graph:
    """Without samples: every scale comes from the file."""
    found = quantize_reported(load(assets / "models" / f"{name}.tflite"), None, Recipe())
    assert not found.islands
    return found.graph


def readable(assets: Path, name: str, folder: Path) -> Path:
    """The file, or a copy that the interpreter does not refuse."""
    source = assets / "models" / f"{name}.tflite"
    if name != "person_detect":
        return source
    (folder / source.name).write_bytes(bias_axis_repaired(source.read_bytes()))
    return folder / source.name


def pixels(assets: Path, image: str) -> Array:
    """A picture of the person-detection set: its bytes, from the top row on, taken as int8."""
    return np.asarray(Image.open(assets / "data" / f"{image}.bmp")).view(np.int8).reshape(1, 96, 96, 1)


def samples(assets: Path, name: str) -> list[Array]:
    if name == "person_detect":
        return [pixels(assets, image) for image in ("person", "no_person")]
    held = np.load(assets / "golden" / f"{name}.tflite.npz")
    return [held[key] for key in held.files if key.startswith("in")]


def internal(graph: Graph, name: str, x: Array) -> Array:
    """An input of the network in our layout; anything else is in it already."""
    edge = next((e for e in graph.inputs if e.tensor == name), None)
    return x if edge is None else np.transpose(x, edge.permutation)


def compare_layers(assets: Path, name: str, folder: Path) -> tuple[int, int, int]:
    """Layers, values that differ by one from the reference kernels, all values. Every layer alone, fed what those have there.

    AssertionError where our accumulators under their rounding are not theirs, or ours not under ours, or a difference is above 1.
    """
    graph = quantized(assets, name)
    found = witness(readable(assets, name, folder), samples(assets, name)[0], keep_all=True)
    places = {d["name"]: d["index"] for d in found.get_tensor_details()}
    layers = [node for node in graph.nodes if node.op in LAYERS]
    off = total = 0
    for node in layers:
        layer, x = Layer.of(graph, node), internal(graph, node.inputs[0], found.get_tensor(places[node.inputs[0]]))
        want = found.get_tensor(places[node.outputs[0]])
        x = x.reshape(graph.tensors[node.inputs[0]].shape)
        acc = layer.accumulators(x)
        theirs = layer.single(acc) if node.op == "fully_connected_s8" else layer.double(acc)
        np.testing.assert_array_equal(theirs, want, err_msg=node.name)
        ours = alone(graph, node).run(x)[0]
        np.testing.assert_array_equal(ours, layer.single(acc), err_msg=node.name)
        difference = np.abs(ours.astype(np.int32) - want)
        assert difference.max() <= 1, node.name
        off, total = off + int(np.count_nonzero(difference)), total + difference.size
    return len(layers), off, total


def crops(assets: Path, names: tuple[str, ...], count: int, size: int, seed: int) -> Array:
    """uint8 [count, size, size, 3]: random large squares of photographs, scaled, so that what they show stays to be seen."""
    rng = np.random.default_rng(seed)
    photos = [Image.open(assets / "data" / name).convert("RGB") for name in names]
    found = []
    for i in range(count):
        photo = photos[i % len(photos)]
        side = int(rng.integers(min(photo.size) * 3 // 4, min(photo.size)))
        left, top = (int(rng.integers(0, whole - side)) for whole in photo.size)
        found.append(np.asarray(photo.resize((size, size), Image.Resampling.BILINEAR, (left, top, left + side, top + side))))
    return np.stack(found)


def network_inputs(assets: Path, name: str) -> tuple[Array, Array | None]:
    """Inputs as the file takes them, and labels where there are some."""
    if name == "kws_ref_model":
        held = np.load(assets / "data" / "kws01_even500.npz")
        return held["mfcc_int8"], held["label"]
    if name == "mnist_valid_q":
        held = np.load(assets / "data" / "mnist_test_even5000.npz")
        return (held["x"].reshape(-1, 28, 28, 1).astype(np.int16) - 128).astype(np.int8), held["y"]
    size = {"pretrainedResnet_quant": 32, "vww_96_int8": 96, "person_detect": 96}.get(name, 224)
    animals, person = ("cat.bmp", "parrot.jpg"), ("grace_hopper.bmp",)  # a person is no class of the networks for 32 and 224
    images = crops(assets, animals + person * (size == 96), {32: 500, 96: 400, 224: 30}[size], size, seed=2)
    if name == "person_detect":
        return images.mean(axis=-1, keepdims=True).astype(np.uint8).view(np.int8), None
    if name == "mobilenet_v2_quantized_1x3x224x224":
        normal = (images / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        return np.clip(np.rint(normal / 0.01863112) - 14, -128, 127).astype(np.int8).transpose(0, 3, 1, 2), None
    return (images.astype(np.int16) - 128).astype(np.int8), None


def decide(assets: Path, name: str, folder: Path) -> tuple[Array, Array, Callable[[], Array], Array | None]:
    """Scores of all samples: ours, the reference kernels', on demand those of TFLite's default kernels; and the labels."""
    x, labels = network_inputs(assets, name)
    session, path = Session(quantized(assets, name)), readable(assets, name, folder)
    ours = np.array([session.run(np.ascontiguousarray(one[None]))[0].ravel() for one in x], np.int32)

    def scores(kernels: str) -> Array:
        run = kept(path, kernels)
        return np.array([run(one[None]) for one in x], np.int32)

    return ours, scores("BUILTIN_REF"), lambda: scores("AUTO"), labels


def kept(path: Path, kernels: str) -> Callable[[Array], Array]:
    """An interpreter for many runs."""
    resolver = getattr(interpreter.OpResolverType, kernels)
    found = interpreter.Interpreter(str(path), experimental_op_resolver_type=resolver, num_threads=1)
    found.allocate_tensors()
    place, out = found.get_input_details()[0]["index"], found.get_output_details()[0]["index"]

    def run(x: Array) -> Array:
        found.set_tensor(place, np.ascontiguousarray(x))
        found.invoke()
        return np.asarray(found.get_tensor(out)).ravel()

    return run


def agreement(a: Array, b: Array) -> float:
    return float((a.argmax(axis=1) == b.argmax(axis=1)).mean())


def right(scores: Array, labels: Array) -> float:
    return float((scores.argmax(axis=1) == labels).mean())


def render(assets: Path, folder: Path) -> str:
    lines = [
        "# int8 TFLite files against TFLite's reference kernels",
        "",
        "Written by `python -m tests.quant.tflite_int8`; tests/quant/test_tflite_int8.py holds it. The scales of the file are kept.",
        "Every layer alone, fed what the reference kernels have there: under their two roundings our sums, multipliers and shifts",
        "give their bytes; ours, rounded once, differ by 1 at most.",
        "",
        "| file | layers | values | differ by 1 |",
        "|---|---|---|---|",
    ]
    for name in MODELS:
        layers, off, total = compare_layers(assets, name, folder)
        lines.append(f"| {name} | {layers} | {total} | {off} ({100 * off / total:.3f} %) |")
    lines += [
        "",
        "Whole networks, int8 input as the file takes it. Two data sets have labels; the other inputs are parts of photographs, of",
        "which the networks are less sure: there TFLite's own default kernels, which round otherwise too, are the measure.",
        "",
        "| file | inputs | same top-1 as the reference kernels | TFLite's default kernels, the same | accuracy | reference kernels |",
        "|---|---|---|---|---|---|",
    ]
    for name in DECIDE:
        ours, theirs, default, labels = decide(assets, name, folder)
        scores = [f"{100 * right(y, labels):.2f} %" for y in (ours, theirs)] if labels is not None else ["", ""]
        same = f"{100 * agreement(ours, theirs):.2f} % | {100 * agreement(default(), theirs):.2f} %"
        lines.append(f"| {name} | {len(ours)} | {same} | {' | '.join(scores)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(render(assets_or_exit(), Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    main()
