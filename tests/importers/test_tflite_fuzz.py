"""Damaged and hostile TFLite files: a clear error or a graph, soon; never a crash."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import flatbuffers
import numpy as np
import pytest

from edgeq_host.errors import EdgeqError, ModelError
from edgeq_host.importers import load, tflite
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.tflite_file import MAX_TABLES
from tests.importers.mutate import mutate
from tests.importers.tflite_writer import Net, schema

SECONDS = 5.0  # for any one file


def fuzz(assets: Path, folder: Path, seed: int, count: int, largest: int) -> int:
    """How many of `count` damaged files still gave a graph."""
    models = [p.read_bytes() for p in sorted((assets / "models").glob("*.tflite")) if p.stat().st_size <= largest]
    path, good = folder / "damaged.tflite", 0
    for k in range(count):
        path.write_bytes(mutate(models[k % len(models)], np.random.default_rng([seed, k])))
        begin = time.process_time()
        try:
            load(path)
            good += 1
        except EdgeqError as error:
            assert error.message
        except Exception as error:
            pytest.fail(f"seed {seed}, file {k}: {error!r}")
        assert time.process_time() - begin < SECONDS, f"seed {seed}, file {k}"
    return good


def test_damaged_models_give_a_graph_or_a_clear_error(assets: Path, tmp_path: Path) -> None:
    good = fuzz(assets, tmp_path, seed=1, count=240, largest=100_000)
    assert 20 < good < 220, "the damage is neither too little nor too much to reach the rules"


@pytest.mark.slow
def test_many_damaged_models_give_a_graph_or_a_clear_error(assets: Path, tmp_path: Path) -> None:
    fuzz(assets, tmp_path, seed=2, count=2500, largest=5_000_000)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(1000, 1020))
def test_damaged_models_of_many_seeds_give_a_graph_or_a_clear_error(assets: Path, tmp_path: Path, seed: int) -> None:
    fuzz(assets, tmp_path, seed=seed, count=3000, largest=5_000_000)


def test_every_truncation_of_a_model_is_refused(assets: Path, tmp_path: Path) -> None:
    data = (assets / "models" / "hello_world_int8.tflite").read_bytes()
    for size in range(0, len(data), 7):
        (tmp_path / "short.tflite").write_bytes(data[:size])
        with pytest.raises(ModelError):
            tflite.read(tmp_path / "short.tflite", ImportOptions())


def refused(folder: Path, data: bytes) -> str:
    (folder / "hostile.tflite").write_bytes(data)
    begin = time.process_time()
    with pytest.raises(ModelError) as caught:
        tflite.read(folder / "hostile.tflite", ImportOptions())
    assert time.process_time() - begin < SECONDS
    return caught.value.message


def test_a_constant_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    net = Net()
    big = net.op("BROADCAST_TO", [net.const(np.float32([1])), net.const(np.int32([2**14, 2**14]))], [net.tensor((1,))])
    out = net.op("ADD", [net.input((1,)), big], [net.tensor((1,))], "AddOptions")
    assert "constants of 268435" in refused(tmp_path, net.data(out))


@pytest.mark.parametrize("size", [2**30, -4])
def test_an_image_of_absurd_size_is_refused(size: int, tmp_path: Path) -> None:
    net = Net()
    inputs = [net.input((1, 2, 2, 1)), net.const(np.int32([size, 1]))]
    assert "size" in refused(tmp_path, net.data(net.op("RESIZE_BILINEAR", inputs, [net.tensor((1, 1, 1, 1))], "ResizeBilinearOptions")))


def test_more_than_six_dimensions_are_refused(tmp_path: Path) -> None:
    net = Net()
    out = net.op("RESHAPE", [net.input((4,)), net.const(np.int32([1, 1, 1, 1, 1, 2, 2]))], [net.tensor((4,))], "ReshapeOptions")
    assert "7 dimensions" in refused(tmp_path, net.data(out))


def test_one_table_named_over_and_over_is_refused_before_it_is_read_over_and_over(tmp_path: Path) -> None:
    builder = flatbuffers.Builder(1024)
    tensor = schema.TensorT()
    tensor.name, tensor.shape = "t" * 60, [1] * 16
    data = repeated(builder, tensor.Pack(builder), MAX_TABLES + 1)
    assert f"more than {MAX_TABLES}" in refused(tmp_path, data)


def test_vectors_that_overlap_are_refused(tmp_path: Path) -> None:
    """Twenty thousand tensors with one shared name of a megabyte would be twenty gigabytes of text."""
    builder = flatbuffers.Builder(1024)
    name = builder.CreateString("t" * 2**20)
    schema.TensorStart(builder)
    schema.TensorAddName(builder, name)
    assert "overlap" in refused(tmp_path, repeated(builder, schema.TensorEnd(builder), 20_000))


def repeated(builder: flatbuffers.Builder, tensor: int, count: int) -> bytes:
    """A model whose one graph names the same tensor `count` times."""
    buffers = vector(builder, schema.ModelStartBuffersVector, schema.BufferT().Pack(builder), 1)
    tensors = vector(builder, schema.SubGraphStartTensorsVector, tensor, count)
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensors)
    graphs = vector(builder, schema.ModelStartSubgraphsVector, schema.SubGraphEnd(builder), 1)
    schema.ModelStart(builder)
    schema.ModelAddSubgraphs(builder, graphs)
    schema.ModelAddBuffers(builder, buffers)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    return bytes(builder.Output())


def vector(builder: flatbuffers.Builder, start: Callable[[flatbuffers.Builder, int], int], table: int, count: int) -> int:
    start(builder, count)
    for _ in range(count):
        builder.PrependUOffsetTRelative(table)
    return int(builder.EndVector())
