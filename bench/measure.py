"""What the goals speak of, measured: layers, networks, sizes, opening."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
import tracemalloc
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import layers
from bench.layers import Layer
from edgeq_host.bench import kernels, timing
from edgeq_host.bench.compare import Engine as Holder
from edgeq_host.bench.litert import LiteRT
from edgeq_host.bench.ort import Ort
from edgeq_host.bench.own import Edgeq
from edgeq_host.bench.timing import Engine, Memory
from edgeq_runtime import build, native

WIDTH = 1 << 20  # bytes that the bandwidth loop reads: those of the FC layer's weights
AVX2 = "vpmaddwd+vpaddd ymm"


@dataclass(frozen=True)
class Times:
    """Microseconds of a call, by engine."""

    layer: Layer
    us: dict[str, float]

    def gmacs(self, engine: str) -> float:
        return self.layer.macs / self.us[engine] / 1000


def layer(one: Layer, folder: Path, rounds: int) -> Times:
    """edgeq with signed and unsigned edges and on AVX2 alone, LiteRT, onnxruntime with unsigned and signed activations; a depthwise
    layer in float32 too; an FC layer beside reads of as many bytes."""
    path = layers.write_tflite(one, folder)
    signed, unsigned = layers.graph(path), layers.graph(path, unsigned=True)
    here = native.isas()
    narrow = 1 | 1 << here["avx2"] if "avx2" in here else 1
    ours = Edgeq(layers.packed(signed))
    engines: dict[str, Holder] = {
        "edgeq": ours,
        "edgeq u8": Edgeq(layers.packed(unsigned)),
        "edgeq avx2": Edgeq(layers.packed(signed), isas=narrow),
        "litert": LiteRT(path),
        "onnxruntime u8s8": Ort(layers.qdq(signed)),
        "onnxruntime s8s8": Ort(layers.qdq(signed, signed=True)),
    }
    size = int(ours.model.inputs[0].bytes)
    for engine in engines.values():
        engine.fill([layers.noise(size)])
    runs: dict[str, Engine] = {name: engine.run for name, engine in engines.items()}
    if one.op == "DEPTHWISE_CONV_2D":
        real: dict[str, Holder] = {
            "litert f32": LiteRT(layers.write_tflite(one, folder, real=True)),
            "onnxruntime f32": Ort(layers.real_onnx(one)),
        }
        for engine in real.values():
            engine.fill([layers.real_noise(size)])
        runs |= {name: engine.run for name, engine in real.items()}
    memory = Memory(WIDTH)
    runs["read"] = partial(timing.library().eq_bench_read, memory.address, memory.size)
    runs |= {name: run for name, (run, _) in kernels.peak_loops() if name == AVX2}
    ns = timing.interleave(runs, rounds)
    assert ours.outputs() == engines["edgeq avx2"].outputs(), f"{one.name}: AVX2 gives other bytes"
    return Times(one, {name: value / 1000 for name, value in ns.items()})


def all_layers(rounds: int) -> dict[str, Times]:
    with tempfile.TemporaryDirectory() as folder:
        return {one.name: layer(one, Path(folder), rounds) for one in layers.ALL}


def peak_gmacs(times: Times) -> float:
    """Of the AVX2 loop that ran beside the layer."""
    loops = dict(kernels.peak_loops())
    return loops[AVX2][1] / times.us[AVX2] / 1000


def stripped_bytes() -> int:
    """Of the library with every kernel of this architecture."""
    strip = shutil.which("strip")
    assert strip, "strip is missing: install binutils"
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "lib.so"
        subprocess.run([strip, "-o", target, build.LIB / build.OUTPUTS["lib"]], check=True)
        return target.stat().st_size


@dataclass(frozen=True)
class Opened:
    """Bytes. allocated: what Python's allocator gave while the file was opened; the runtime itself allocates nothing."""

    arena: int
    model: int
    packed: int
    allocated: int


def opened(path: Path) -> Opened:
    native.Model(path)  # modules and caches of the interpreter are there
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    model = native.Model(path)
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return Opened(model.plan.arena_bytes, model.plan.model_bytes, model.plan.packed_bytes, used)


def stamp_ns(data: bytes, rounds: int) -> tuple[float, float]:
    """What profiling adds to an inference: ns a layer, and its share of the time."""
    plain, profiled = Edgeq(data), Edgeq(data, profiled=True)
    ns = timing.interleave({"plain": plain.run, "profiled": profiled.run}, rounds)
    more = ns["profiled"] - ns["plain"]
    return more / len(plain.model.ops()), more / ns["plain"]


def two_threads(data: bytes, rounds: int) -> float:
    """By how much two threads are faster than one, wall time: medians of rounds in turn."""
    models = [native.Model(data), native.Model(data, threads=2)]
    found: list[list[float]] = [[], []]
    for _ in range(rounds):
        for model, times in zip(models, found, strict=True):
            for _ in range(3):
                model._run(None)
            start = time.perf_counter()
            for _ in range(10):
                model._run(None)
            times.append(time.perf_counter() - start)
    return statistics.median(found[0]) / statistics.median(found[1])


def first_inference_us(path: Path, repeats: int = 31) -> float:
    """Median wall time from the path to the first output, with the file in the cache of the system."""
    found = []
    data = [bytes(e.bytes) for e in native.Model(path).inputs]
    for _ in range(repeats):
        start = time.perf_counter()
        native.Model(path).run(data)
        found.append((time.perf_counter() - start) * 1e6)
    return statistics.median(found)
