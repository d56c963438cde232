"""Run, profile, refresh and the agent's own commands on the board `local`."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import edgeq_runtime
from edgeq_host import deploy as d
from edgeq_host.data import Data, Sample
from edgeq_host.errors import BoardError, EdgeqError, ModelError, UsageError
from edgeq_host.export import Bundle, Variant, to_bytes
from edgeq_host.graph import Edge, Graph, Node, Quant, Tensor
from edgeq_host.produce import Source, pack_graph
from edgeq_host.profile import profile
from edgeq_host.recipe import Recipe
from edgeq_host.remote import RemoteModel
from edgeq_runtime import native
from tests.agent.conftest import Local, packed, sample
from tests.quant.graphs import residual, samples

OLD, NEW = packed(1), packed(2)


def test_run_on_the_device_gives_the_integers_of_the_host(local: Local) -> None:
    d.deploy(local.target, local.file("kws", OLD))
    here = native.Model(OLD)
    with RemoteModel(local.target, "kws") as there:
        assert [(e.name, e.shape, e.dtype) for e in there.inputs] == [("input", (1, 64), "f32")]
        for scale in (0.5, 1.0, 2.0):
            x = sample() * np.float32(scale)
            assert np.array_equal(there.run(x), here.run(x))
            assert there.time_ns > 0
        quantized = np.arange(64, dtype=np.int8).reshape(1, 64)
        assert np.array_equal(there.run(quantized), here.run(quantized))
        for wrong in (np.zeros((1, 63), np.float32), np.zeros((1, 64), np.int16)):
            with pytest.raises(ModelError, match="expected float32 or int8"):
                there.run(wrong)
        for rows in (sample().tolist(), [sample().tolist()], [1.0, 2.0]):
            with pytest.raises(ModelError) as info:
                there.run(rows)
            assert "numpy.asarray(x, 'float32')" in info.value.hint
    there.close()


def test_a_file_in_memory_runs_without_touching_the_store(local: Local) -> None:
    with RemoteModel(local.target, "file", OLD) as there:
        assert np.array_equal(there.run(sample()), native.Model(OLD).run(sample()))
        plan = native.Model(OLD).plan
        assert (there.opened.arena_bytes, there.opened.model_bytes, there.opened.macs) == (plan.arena_bytes, plan.model_bytes, plan.macs)
    assert not local.store.exists()


def test_an_older_version_can_be_run_by_its_number(local: Local) -> None:
    for data in (OLD, NEW):
        d.deploy(local.target, local.file("kws", data))
    with RemoteModel(local.target, "kws@1") as there:
        assert there.opened.version == 1 and np.array_equal(there.run(sample()), native.Model(OLD).run(sample()))
    with pytest.raises(UsageError, match="no such model or version"):
        RemoteModel(local.target, "kws@7")
    with pytest.raises(UsageError, match=r"kws on .* has no variant 'int3'"):
        RemoteModel(local.target, "kws", variant="int3")


def test_a_variant_that_is_not_there_is_answered_with_those_that_are(local: Local) -> None:
    graph, given = residual(), samples(residual(), 8)
    data = Data(None, 8, False, lambda: iter([Sample(x, None) for x in given]))
    packed = pack_graph(graph, Source(None, Recipe("int8,w4a8"), data, name="net")).data
    d.deploy(local.target, local.file("net", packed))
    for name, file in (("net", None), ("here", packed)):
        with pytest.raises(UsageError, match=f"{name} on .* has no variant 'w2a8'") as error:
            RemoteModel(local.target, name, file, "w2a8")
        assert error.value.hint == "it has int8, w4a8"


def test_edgeq_isa_chooses_the_kernels_of_the_agent(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEQ_ISA", "portable")
    with RemoteModel(local.target, "file", OLD) as there:
        assert {layer.isa for layer in there.layers()} == {"portable"} and there.opened.isas == 1
    monkeypatch.setenv("EDGEQ_ISA", "avx512")
    with pytest.raises(UsageError, match=r"EDGEQ_ISA names avx512, .* it has portable"):
        d.status(local.target)


def test_profile_streams_figures_for_every_layer(local: Local) -> None:
    d.deploy(local.target, local.file("kws", OLD))
    seen: list[int] = []
    found = profile(local.target, "kws", runs=25, warmup=3, seen=lambda run, of: seen.append(run))
    assert (found.runs, found.warmup, found.version, found.source) == (25, 3, 1, "measured") and seen == list(range(1, 26))
    assert [(x.name, x.op, x.macs) for x in found.layers] == [("dense", "fully_connected_s8", 512), ("clip", "clip_s8", 0)]
    assert abs(sum(x.share for x in found.layers) - 1) < 1e-9
    latency = found.latency_us
    assert 0 < latency.median <= latency.p90 <= latency.p99
    with pytest.raises(UsageError, match="runs"):
        profile(local.target, "kws", runs=0)


def test_applications_take_a_new_version_when_they_refresh(local: Local) -> None:
    d.deploy(local.target, local.file("kws", OLD))
    model, following = edgeq_runtime.open("kws"), edgeq_runtime.open("kws", follow=True)
    old, new = native.Model(OLD).run(sample()), native.Model(NEW).run(sample())
    assert not model.refresh() and np.array_equal(model.run(sample()), old)
    d.deploy(local.target, local.file("kws", NEW))
    assert np.array_equal(model.run(sample()), old) and np.array_equal(following.run(sample()), new)
    d.deploy(local.target, local.file("kws", packed(4)))  # the file of the mapping is gone
    assert np.array_equal(model.run(sample()), old)
    d.rollback(local.target, "kws")
    assert model.refresh() and np.array_equal(model.run(sample()), new)
    with model:
        d.rollback(local.target, "kws")
    with pytest.raises(edgeq_runtime.Error, match="the model is closed"):
        model.refresh()
    with pytest.raises(edgeq_runtime.Error, match="edgeq-agent status"):
        edgeq_runtime.open("nothing")


def test_the_commands_of_the_agent_do_the_same_without_a_host(local: Local) -> None:
    old, new = local.file("kws", OLD), local.file("kws-2", NEW)
    assert local.agent("install", str(old)).stdout == "kws: version 1 installed\n"
    assert local.agent("install", str(old)).stdout == "kws: version 1 is this file already\n"
    assert local.agent("install", str(new), "kws").returncode == 0
    rows = [line.split("\t") for line in local.agent("status").stdout.splitlines()]
    assert rows == [
        ["kws", "current", "2", str(len(NEW)), hashlib.sha256(NEW).hexdigest()],
        ["kws", "previous", "1", str(len(OLD)), hashlib.sha256(OLD).hexdigest()],
    ]
    assert local.agent("selftest", "kws").stdout == "kws: version 2 passed, 1 variant\n"
    assert local.agent("rollback", "kws").stdout == "kws: version 1 is current\n"
    assert local.agent("remove", "kws").returncode == 0 and local.agent("status").stdout == ""
    assert local.agent("rollback", "kws").returncode == 2
    broken = local.agent("install", str(local.file("bad", packed(2, break_output=True))))
    assert broken.returncode == 5 and "self-test" in broken.stderr
    for words in (["nonsense"], ["install"], ["rollback"], ["status", "a", "b"]):
        assert local.agent(*words).returncode == 2
    assert local.agent("--help").stdout.startswith("usage: edgeq-agent")
    assert local.agent("install", "/nowhere.eqm").returncode == 3


def test_the_command_becomes_the_agent_or_says_what_is_missing(local: Local) -> None:
    code = "import sys; from edgeq_runtime import agent; agent.path = lambda: sys.argv.pop(1); agent.main()"
    for path, returned, told in ((os.environ["EDGEQ_AGENT"], 0, "no models in"), ("/nowhere/agent", 2, "install edgeq-runtime again")):
        done = subprocess.run([sys.executable, "-c", code, path, "status"], capture_output=True, text=True)
        assert done.returncode == returned and done.stderr.startswith("edgeq-agent: ") and told in done.stderr


def test_two_hosts_at_once_end_with_one_of_the_two(local: Local) -> None:
    paths = [local.file(f"n{i}", packed(10 + i)) for i in range(2)]
    errors: list[EdgeqError] = []

    def run(path: Path) -> None:
        for _ in range(10):
            try:
                d.deploy(local.target, path, "kws")
            except BoardError as error:
                errors.append(error)

    threads = [threading.Thread(target=run, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all("another program" in error.message for error in errors)
    assert edgeq_runtime.open("kws").sha256 in [native.Model(path.read_bytes()).sha256 for path in paths]


def dequantized_edges() -> bytes:
    """u8 at the edge, float inside (with the scale of the edge)."""
    quant = Quant(np.array([0.5]), np.array([-3], np.int64))
    tensors = {"x": Tensor("x", (1, 6), "f32", None, quant), "y": Tensor("y", (1, 6), "f32", None, quant)}
    node = Node("clip_f32", "clip", ("x",), ("y",), {"lo": -np.inf, "hi": 20.0})
    ends = [Edge(name, name, (1, 6), (0, 1), "u8") for name in ("x", "y")]
    return to_bytes(Bundle("edges", [Variant("float32", Graph("edges", tensors, [node], ends[:1], ends[1:]))]))


def test_integer_edges_around_float_tensors_run_and_profile_on_the_device(local: Local) -> None:
    data, x = dequantized_edges(), np.array([[0, 1, 100, 200, 254, 255]], np.uint8)
    with RemoteModel(local.target, "edges", data) as there:
        assert [(e.dtype, e.inner) for e in (*there.inputs, *there.outputs)] == [("u8", "f32")] * 2
        assert np.array_equal(there.run(x), native.Model(data).run(x))
        with pytest.raises(ModelError, match=r"int8 .1, 6., expected uint8"):
            there.run(x.astype(np.int8))
    assert profile(local.target, "edges", data, runs=3).runs == 3
