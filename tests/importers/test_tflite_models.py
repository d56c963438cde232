"""Real TFLite models: float ones give their reference outputs, those that edgeq cannot take are refused with every reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq_host.errors import UnsupportedError
from edgeq_host.graph import Graph
from edgeq_host.importers import load
from tests.importers.float_run import evaluate, on_core, step
from tests.importers.tflite_writer import floats_only, outputs, witness

FLOAT = [
    "pretrainedResnet",
    "vww_96_float",
    "ad01_fp32",
    "hello_world_float",
    "mnist_valid_f",
    "mobilenet_v1_0.25_224_1_default_1",
    "version-RFB-320_without_postprocessing",
]
QUANTIZED = {  # largest difference to the interpreter, in steps of the output: rounding of every layer on its way
    "kws_ref_model": 2,
    "vww_96_int8": 4,
    "pretrainedResnet_quant": 64,  # an uncertain image: the logits differ by one step
    "ad01_int8": 4,
    "mnist_valid_q": 8,
    "hello_world_int8": 4,
    "micro_speech_quantized": 4,
    "mobilenet_v1_0.25_224_quant": 12,
    "mobilenet_v2_quantized_1x3x224x224": 24,
}
TOLERANCE = 1e-4  # of the output's range


def model(assets: Path, name: str) -> Graph:
    return load(assets / "models" / f"{name}.tflite")


def golden(assets: Path, name: str) -> list[tuple[np.ndarray, list[np.ndarray]]]:
    held = np.load(assets / "golden" / f"{name}.tflite.npz")
    count = sum(key.startswith("in") for key in held.files)
    return [(held[f"in{k}"], [held[key] for key in sorted(held.files) if key.startswith(f"out{k}_")]) for k in range(count)]


def ranges(samples: list[tuple[np.ndarray, list[np.ndarray]]]) -> list[float]:
    """Of each output over all samples: a single number has no range of its own."""
    return [float(np.ptp([np.ravel(outs[j]) for _, outs in samples])) for j in range(len(samples[0][1]))]


@pytest.mark.parametrize("name", FLOAT)
def test_a_float_model_gives_its_reference_outputs(assets: Path, name: str) -> None:
    graph, samples = model(assets, name), golden(assets, name)
    run = on_core(graph)
    for x, expected in samples:
        for got, want, whole in zip(run(x), expected, ranges(samples), strict=True):
            assert got.shape == want.shape
            assert np.abs(got - want).max() <= TOLERANCE * whole


@pytest.mark.parametrize("name", ["micro_speech_quantized", "person_detect"])
def test_a_depthwise_layer_of_one_channel_is_a_convolution(assets: Path, name: str) -> None:
    """The kernels of products take it; those of depthwise layers would take a pixel at a time."""
    graph = model(assets, name)
    first = next(n for n in graph.nodes if n.op.endswith("conv2d_f32"))
    assert first.op == "conv2d_f32" and graph.tensors[first.inputs[0]].shape[3] == 1
    w = graph.tensors[first.inputs[1]]
    assert w.shape[0] == 8 and w.shape[3] == 1 and w.quant is not None and w.quant.axis in (0, None)


def test_the_numpy_reference_gives_the_same_as_the_core(assets: Path) -> None:
    graph, (x, _) = model(assets, "mnist_valid_f"), golden(assets, "mnist_valid_f")[0]
    np.testing.assert_array_equal(evaluate(graph, x)[0], on_core(graph)(x)[0])


def test_the_segmentation_model_classifies_its_pixels_as_the_reference(assets: Path) -> None:
    (x, (classes,)), graph = golden(assets, "deeplabv3")[0], model(assets, "deeplabv3")
    assert (on_core(graph)(x)[0].argmax(-1) == classes).mean() >= 0.999


def test_a_hybrid_model_computes_in_float_with_its_dequantized_weights(assets: Path, tmp_path: Path) -> None:
    name = "kws_ref_model_float32"
    source, graph = assets / "models" / f"{name}.tflite", model(assets, name)
    (tmp_path / "float.tflite").write_bytes(floats_only(source.read_bytes()))
    kept = [t for n in graph.nodes for t in graph.constants(n) if t.dtype == "s8" and t.quant is not None]
    assert len(kept) == 5, "the integers of the five convolutions stay"
    run = on_core(graph)
    for x, _ in golden(assets, name):
        want = outputs(witness(tmp_path / "float.tflite", x))[0]
        assert np.abs(run(x)[0] - want).max() <= TOLERANCE * np.ptp(want)


@pytest.mark.parametrize("name", QUANTIZED)
def test_a_quantized_model_computes_in_float_near_its_integers(assets: Path, name: str) -> None:
    graph = model(assets, name)
    run = on_core(graph)
    for x, (want,) in golden(assets, name)[:2]:
        edge, quant = graph.outputs[0], graph.tensors[graph.outputs[0].tensor].quant
        assert quant is not None and edge.dtype == {"int8": "s8", "uint8": "u8"}[str(want.dtype)]
        shift = 128 if edge.dtype == "u8" else 0
        expected = (want.astype(np.float64) - shift - quant.zero[0]) * quant.scale[0]
        assert np.abs(run(x)[0] - expected).max() <= QUANTIZED[name] * step(graph)


def test_person_detection_with_the_weights_axis_on_its_bias_is_read(assets: Path) -> None:
    run = on_core(model(assets, "person_detect"))
    for image, person in (("person", (-113, 113)), ("no_person", (57, -57))):
        raw = np.frombuffer((assets / "data" / f"{image}.bmp").read_bytes(), np.uint8)
        rows = raw[int.from_bytes(raw[10:14].tobytes(), "little") :].reshape(96, 96)[::-1]  # a bitmap begins at the bottom
        scores = run(np.ascontiguousarray(rows).view(np.int8).reshape(1, 96, 96, 1))[0].ravel()
        assert np.abs(scores - (np.asarray(person) + 128) / 256).max() <= 2 / 256


@pytest.mark.parametrize("name", ["mobilenet_v2_quantized_1x3x224x224", "version-RFB-320_without_postprocessing", "deeplabv3"])
def test_no_transpose_is_left(assets: Path, name: str) -> None:
    graph = model(assets, name)
    assert not [n.name for n in graph.nodes if n.op == "transpose"]


def test_an_input_with_channels_first_stays_so_at_the_edge(assets: Path) -> None:
    graph = model(assets, "mobilenet_v2_quantized_1x3x224x224")
    assert graph.inputs[0].shape == (1, 3, 224, 224)
    assert graph.inputs[0].permutation == (0, 2, 3, 1)


def problems(assets: Path, name: str) -> tuple[str, ...]:
    with pytest.raises(UnsupportedError) as caught:
        model(assets, name)
    assert caught.value.hint
    return caught.value.problems


@pytest.mark.parametrize("name", ["trained_lstm", "trained_lstm_int8"])
def test_a_recurrent_model_is_refused_with_the_operator(assets: Path, name: str) -> None:
    (problem,) = problems(assets, name)
    assert "operator 0 UNIDIRECTIONAL_SEQUENCE_LSTM" in problem


def test_a_model_with_state_is_refused_with_every_operator_of_it(assets: Path) -> None:
    found = problems(assets, "mww_hey_jarvis")
    assert [sum(code in p for p in found) for code in ("CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")] == [1, 6, 6, 6]
    assert len(found) == 19


def test_a_signal_front_end_is_refused_with_its_custom_operators_and_its_integers(assets: Path) -> None:
    found = problems(assets, "audio_preprocessor_int8")
    assert sum("CUSTOM Signal" in p for p in found) == 9
    assert any("input of type INT16" in p for p in found)
    assert sum("INT32 without a scale" in p for p in found) == 6
