"""Changed QONNX models: whatever scales, thresholds and shapes they say, they are refused by an error of their own, or run."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgeq_host.errors import EdgeqError
from edgeq_host.importers.common import ImportOptions
from edgeq_host.importers.onnx_ops.build import import_model
from edgeq_host.passes import normalize
from edgeq_host.quant import quantize_reported
from edgeq_host.recipe import Recipe
from edgeq_host.session import Session
from edgeq_runtime.ops import DTYPES
from tests.importers.qonnx_nets import conv_net, mlp
from tests.importers.test_onnx_fuzz import mutated_fields

VALUES = (0, -1, 1e-40, 1e38, -1e38, np.inf, -np.inf, np.nan, 1e-30, 64, 2.0**31, 1e-12, 3)


def _changed_values(model: onnx.ModelProto, rng: random.Random) -> None:
    tensor = rng.choice([t for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT])
    try:
        data = numpy_helper.to_array(tensor).copy()
    except ValueError:  # its shape was changed before
        return
    data.reshape(-1)[:: 1 if rng.random() < 0.3 else max(1, rng.randrange(1 + data.size))] = rng.choice(VALUES)
    tensor.CopyFrom(numpy_helper.from_array(data, tensor.name))


def _outcome(model: onnx.ModelProto) -> str:
    try:
        graph = normalize(import_model(model, "fuzzed", ImportOptions()))
        session = Session(quantize_reported(graph, None, Recipe()).graph)
        session.run(*(np.zeros(e.shape, DTYPES[e.dtype]) for e in graph.inputs))
    except EdgeqError as error:
        assert error.message and error.hint and error.code in (2, 3), repr(error)
        return "refused"
    return "ran"


def _fuzz(source: onnx.ModelProto, rounds: int, seed: int) -> Counter[str]:
    outcomes = Counter[str]()
    for k in range(rounds):
        rng = random.Random(seed * 1_000_003 + k)
        model = onnx.ModelProto.FromString(source.SerializeToString())
        for _ in range(rng.randint(1, 3)):
            (_changed_values if rng.random() < 0.7 else mutated_fields)(model, rng)
        outcomes[_outcome(model)] += 1
    return outcomes


NETS = {
    "plain": mlp(1, (20, 9, 5)),
    "scaled": mlp(1, (20, 9, 5), "scaled"),
    "norm": mlp(2, (20, 9, 5), "norm"),
    "images": conv_net(0),
    "images of signs": conv_net(1, "signs"),
}


@pytest.mark.parametrize("rounds", [12, pytest.param(600, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", NETS)
def test_a_changed_network_of_signs_is_refused_or_runs(name: str, rounds: int) -> None:
    assert set(_fuzz(NETS[name], rounds, list(NETS).index(name))) == {"ran", "refused"}
