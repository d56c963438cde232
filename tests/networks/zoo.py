"""The int8 networks of the assets, packed once a run."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from edgeq_host.produce import Source, produce
from edgeq_runtime import native

INT8 = (
    "kws_ref_model",
    "vww_96_int8",
    "pretrainedResnet_quant",
    "ad01_int8",
    "person_detect",
    "mnist_valid_q",
    "micro_speech_quantized",
    "hello_world_int8",
    "mobilenet_v1_0.25_224_quant",
    "mobilenet_v2_quantized_1x3x224x224",
)
FLOAT = (
    "kws_ref_model_float32.tflite",
    "pretrainedResnet.onnx",
    "vww_96_float.onnx",
    "ad01_fp32.tflite",
    "mnist_valid_f.tflite",
    "hello_world_float.tflite",
    "mobilenet_v1_0.25_224_1_default_1.tflite",
    "blazeface_exported.onnx",
    "resnet20_exported.onnx",
    "version-RFB-320_simplified.onnx",
    "version-RFB-320_without_postprocessing.tflite",
    "deeplabv3.tflite",
)
TWINS = ("pretrainedResnet.tflite", "vww_96_float.tflite")  # two of FLOAT from another exporter
SIGNS = ("TFC_1W1A.onnx",)  # networks of bits that bring their thresholds; they read digits


@cache
def packed(assets: Path, name: str) -> bytes:
    """The .eqm of an int8 .tflite: its own scales."""
    return produce(Source(assets / "models" / f"{name}.tflite")).data


def inputs_of(assets: Path, name: str) -> list[Any]:
    """One reproducible input: the golden one where there is one, else noise."""
    golden = assets / "golden" / f"{name}.tflite.npz"
    model = native.Model(packed(assets, name))
    if golden.exists():
        return [np.load(golden)["in0"].reshape(model.inputs[0].shape)]
    rng = np.random.default_rng(1)
    kinds = {"s8": np.int8, "u8": np.uint8}
    return [rng.integers(0, 256, e.shape, np.uint8).view(kinds[e.dtype]) for e in model.inputs]
