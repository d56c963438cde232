"""Mutations of real models: whatever the bytes are, the importer answers with a graph or with an error of its own."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from edgeq_host.errors import EdgeqError
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx import parse
from edgeq_host.importers.onnx_ops.build import import_model, survey
from edgeq_host.passes import normalize
from tests.importers.onnx_nets import residual_net
from tests.importers.test_onnx_networks import NETWORKS, Net

MODELS = ("pretrainedResnet", "vww_96_float", "resnet20_exported", "blazeface_exported", "version-RFB-320_simplified", "TFC_1W1A")


def _flip(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 8)):
        data[rng.randrange(len(data))] = rng.randrange(256)


def _cut_off(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def _drop(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.randint(1, 64)]


def _double(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    data[at:at] = data[at : at + rng.randint(1, 64)]


def _texts(data: bytes | bytearray) -> list[int]:
    """Where something begins that looks like a name: chance seldom hits one among the weights."""
    return [m.start() for m in re.finditer(rb"[A-Za-z_/.]{3,}", data)]


def _spoil_text(data: bytearray, rng: random.Random) -> None:
    if names := _texts(data):
        data[rng.choice(names) + rng.randrange(3)] = 0xFF


BYTES = (_flip, _cut_off, _drop, _double, _spoil_text)


def _refused(error: EdgeqError) -> str:
    """The outcome; the error says what was found and what to do, and its code that the user must act."""
    assert error.message and error.hint and error.code in (2, 3), repr(error)
    return "refused"


def _read(data: bytes) -> str:
    """The outcome: read or refused."""
    try:
        model = parse(data, "fuzzed")
    except EdgeqError as error:
        return _refused(error)
    return _import_or_survey(model)


def _import_or_survey(model: onnx.ModelProto) -> str:
    try:
        normalize(import_model(model, "fuzzed", ImportOptions())).validate()
        return "read"
    except EdgeqError as error:
        survey_or_error(model)
        return _refused(error)


def mutated_fields(model: onnx.ModelProto, rng: random.Random) -> None:
    """One change that keeps the protobuf sound: an attribute, a dimension, a name, an operator."""
    node = rng.choice(model.graph.node)
    _CHANGES[rng.randrange(len(_CHANGES))](model, node, rng)


def _number(rng: random.Random) -> int:
    return rng.choice((0, -1, 1, 2, 3, 7, 255, -(2**31), 2**31 - 1, 2**31, 2**40, -(2**63), 2**63 - 1))


def _attribute(model: onnx.ModelProto, node: onnx.NodeProto, rng: random.Random) -> None:
    if node.attribute:
        attribute = rng.choice(node.attribute)
        if attribute.ints:
            attribute.ints[rng.randrange(len(attribute.ints))] = _number(rng)
        elif attribute.type == onnx.AttributeProto.FLOAT:
            attribute.f = rng.choice((0.0, -1.0, float("inf"), float("nan"), 1e38))
        else:
            attribute.i = _number(rng)


def _no_attribute(model: onnx.ModelProto, node: onnx.NodeProto, rng: random.Random) -> None:
    if node.attribute:
        del node.attribute[rng.randrange(len(node.attribute))]


def _dimension(model: onnx.ModelProto, node: onnx.NodeProto, rng: random.Random) -> None:
    tensor = rng.choice(model.graph.initializer)
    if tensor.dims:
        tensor.dims[rng.randrange(len(tensor.dims))] = _number(rng)


def _type(model: onnx.ModelProto, node: onnx.NodeProto, rng: random.Random) -> None:
    rng.choice(model.graph.initializer).data_type = rng.randrange(0, 26)


def _input_dimension(model: onnx.ModelProto, node: onnx.NodeProto, rng: random.Random) -> None:
    dims = rng.choice(model.graph.input).type.tensor_type.shape.dim
    if dims:
        dims[rng.randrange(len(dims))].dim_value = _number(rng)


def _input_name(model: onnx.ModelProto, node: onnx.NodeProto, rng: random.Random) -> None:
    other = rng.choice(model.graph.node)
    if node.input:
        node.input[rng.randrange(len(node.input))] = rng.choice([*other.output, *other.input, "", "nowhere"])


def _operator(model: onnx.ModelProto, node: onnx.NodeProto, rng: random.Random) -> None:
    node.op_type = rng.choice(model.graph.node).op_type


def _no_input(model: onnx.ModelProto, node: onnx.NodeProto, rng: random.Random) -> None:
    if node.input:
        del node.input[rng.randrange(len(node.input))]


def _values(model: onnx.ModelProto, node: onnx.NodeProto, rng: random.Random) -> None:
    """Shapes, pads and axes that lie in small integer tensors."""
    small = [t for t in model.graph.initializer if t.data_type == onnx.TensorProto.INT64 and t.raw_data]
    if small:
        tensor = rng.choice(small)
        data = bytearray(tensor.raw_data)
        at = 8 * rng.randrange(len(data) // 8)
        data[at : at + 8] = (_number(rng) % 2**64).to_bytes(8, "little")
        tensor.raw_data = bytes(data)


_CHANGES: tuple[Callable[[onnx.ModelProto, onnx.NodeProto, random.Random], None], ...] = (
    _attribute,
    _no_attribute,
    _dimension,
    _type,
    _input_dimension,
    _input_name,
    _operator,
    _no_input,
    _values,
)


def _fuzz_fields(source: onnx.ModelProto, rounds: int, seed: int) -> Counter[str]:
    outcomes = Counter[str]()
    for k in range(rounds):
        rng = random.Random(seed * 1_000_003 + k)
        model = onnx.ModelProto()
        model.CopyFrom(source)
        for _ in range(rng.randint(1, 3)):
            mutated_fields(model, rng)
        outcomes[_import_or_survey(model)] += 1
    return outcomes


def survey_or_error(model: onnx.ModelProto) -> None:
    try:
        survey(model, "fuzzed", ImportOptions())
    except EdgeqError as error:
        _refused(error)


def _fuzz_bytes(data: bytes, rounds: int, seed: int) -> Counter[str]:
    outcomes = Counter[str]()
    for k in range(rounds):
        rng = random.Random(seed * 1_000_003 + k)
        mutated = bytearray(data)
        rng.choice(BYTES)(mutated, rng)
        outcomes[_read(bytes(mutated))] += 1
    return outcomes


def _both(outcomes: Counter[str]) -> bool:
    """The changes are neither too small to be refused nor too large to be read."""
    return set(outcomes) == {"read", "refused"}


@pytest.mark.parametrize("seed", range(len(NETWORKS)))
def test_a_network_with_changed_fields_is_read_or_refused(seed: int) -> None:
    assert _both(_fuzz_fields(list(NETWORKS)[seed](Net(11)), 40, seed))


def test_a_network_with_changed_bytes_is_read_or_refused() -> None:
    assert _both(_fuzz_bytes(residual_net(1).SerializeToString(), 150, 1))


def test_a_refused_network_with_text_that_is_not_utf8_is_refused() -> None:
    model = residual_net(1)
    model.graph.node[-1].op_type = "NotThere"  # then shapes are inferred, over every name
    data = model.SerializeToString()
    for at in _texts(data):
        assert _read(data[:at] + b"\xff" + data[at + 1 :]) == "refused"


@pytest.mark.parametrize("name", MODELS)
def test_a_real_model_with_changes_is_read_or_refused(name: str, assets: Path) -> None:
    data = (assets / "models" / f"{name}.onnx").read_bytes()
    assert _both(_fuzz_bytes(data, 10, 2) + _fuzz_fields(parse(data, name), 10, 2))


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_real_model_with_many_changes_is_read_or_refused(name: str, assets: Path) -> None:
    data = (assets / "models" / f"{name}.onnx").read_bytes()
    assert _both(_fuzz_bytes(data, 1500, 3) + _fuzz_fields(parse(data, name), 1500, 3))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(len(NETWORKS)))
def test_a_network_with_many_changed_fields_is_read_or_refused(seed: int) -> None:
    assert _both(_fuzz_fields(list(NETWORKS)[seed](Net(11)), 3000, 100 + seed))


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(1000, 1020))
@pytest.mark.parametrize("name", MODELS)
def test_a_real_model_with_changes_of_many_seeds_is_read_or_refused(name: str, seed: int, assets: Path) -> None:
    data = (assets / "models" / f"{name}.onnx").read_bytes()
    assert _both(_fuzz_bytes(data, 1000, seed) + _fuzz_fields(parse(data, name), 1000, seed))
